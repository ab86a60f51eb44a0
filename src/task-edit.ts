import { ensureRegistered } from "./attend.ts";
import { changed, leave, readTask } from "./board.ts";
import type { Context } from "./context.ts";
import { RelayError } from "./errors.ts";
import { list, object, record as recordOf, text } from "./schema.ts";
import { checkText, checkTitle, dependencyCircle, moved, type Task } from "./task.ts";
import { actorOf, change, checkFields, factsOf, idsOf, type TaskFields, taskOf, tell } from "./task-steps.ts";

export interface Edit extends TaskFields {
  readonly title?: string;
  readonly force?: boolean;
}

/** Changes what a task says. Throws `conflict` for dependencies in a circle, `refused` for a task another works on. */
export async function editTask(context: Context, word: string, edit: Edit): Promise<Task> {
  const before = await taskOf(context, word);
  const { files } = checkFields(context, edit);
  await ensureRegistered(context);
  const depends_on = edit.dependsOn && (await idsOf(context, edit.dependsOn));
  const facts = await factsOf(context, before);
  const edited = (task: Task): Task => ({
    ...moved(task, "edit", actorOf(context, edit), facts),
    ...(edit.title === undefined ? {} : { title: checkTitle(edit.title) }),
    ...(edit.description === undefined ? {} : { description: edit.description }),
    ...(edit.priority === undefined ? {} : { priority: edit.priority }),
    ...(files === undefined ? {} : { files }),
    ...(depends_on === undefined ? {} : { depends_on }),
  });
  edited(before); // what is refused notes no edges
  const task = await changed(context, before.id, async () => {
    if (depends_on) await addEdges(context, before, depends_on);
    const after = await change(context, before.id, edited);
    if (depends_on) await keepEdges(context, after);
    await leave(context, before, after);
    return after;
  });
  await tell(context, "edited", task, { title: task.title, priority: task.priority });
  return task;
}

/** Writes a note to a task, for whoever works on it. */
export async function noteTask(context: Context, word: string, note: string): Promise<Task> {
  const before = await taskOf(context, word);
  checkText(note, "note");
  if (!/\S/.test(note)) throw new RelayError("usage", `Cannot note nothing to "${word}"`);
  await ensureRegistered(context);
  const facts = await factsOf(context, before);
  const line = { at: context.now(), session_id: context.session, text: note };
  const task = await change(context, before.id, (current) => ({
    ...moved(current, "note", actorOf(context, {}), facts),
    notes: [...current.notes, line],
  }));
  await tell(context, "noted", task, {});
  return task;
}

// Tasks are made to depend on older ones, so only an edit can close a circle. What was edited is in one record, so that two
// edits cannot close one together.
const EDGES = "tasks/edges";
const Edges = object({ edited: recordOf(list(text())) });

/** Notes that a task depends on these too. Throws `conflict` if it would wait for itself. */
async function addEdges(context: Context, task: Task, depends_on: readonly string[]): Promise<void> {
  const known = new Map<string, readonly string[]>([[task.id, task.depends_on]]);
  for (;;) {
    const missing = new Set<string>();
    await context.store.update(EDGES, (value) => {
      const { edited } = value === undefined ? { edited: {} } : Edges.parse(value, EDGES);
      const dependenciesOf = (id: string) => {
        const own = known.get(id);
        if (!own) missing.add(id);
        return [...(own ?? []), ...(edited[id] ?? [])];
      };
      missing.clear();
      const circle = dependencyCircle(task.id, depends_on, dependenciesOf);
      if (circle) throw circular(task, circle);
      if (missing.size > 0) return value;
      const all = [...new Set([...task.depends_on, ...(edited[task.id] ?? []), ...depends_on])];
      return { ...value, edited: { ...edited, [task.id]: all } };
    });
    if (missing.size === 0) return;
    for (const id of missing) known.set(id, (await readTask(context, id))?.depends_on ?? []);
  }
}

/** Notes what a task depends on now that its record says so. Of tasks that are over nothing is noted. */
async function keepEdges(context: Context, task: Task): Promise<void> {
  await context.store.update(EDGES, (value) => {
    if (value === undefined) return undefined;
    const { edited } = Edges.parse(value, EDGES);
    return { ...value, edited: { ...edited, [task.id]: task.depends_on } };
  });
}

function circular(task: Task, circle: readonly string[]): RelayError {
  return new RelayError("conflict", `Cannot let "${task.id}" wait for itself: ${circle.join(" waits for ")}`, {
    next: `agent-relay task show ${circle[1] ?? task.id}`,
  });
}
