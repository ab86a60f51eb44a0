import { ensureRegistered } from "./attend.ts";
import { changed, leave, readTask } from "./board.ts";
import { type Context, parsedOrSkipped } from "./context.ts";
import { RelayError } from "./errors.ts";
import { newNonce } from "./id.ts";
import { refuseElsewhere } from "./mirrored.ts";
import { type Infer, integer, list, object, record as recordOf, text } from "./schema.ts";
import { checkText, checkTitle, dependencyCircle, isOver, moved, type Task } from "./task.ts";
import {
  actorOf,
  change,
  checkFields,
  factsOf,
  idsOf,
  type TaskFields,
  taskOf,
  tell,
  tellLoser,
} from "./task-steps.ts";

export interface Edit extends TaskFields {
  readonly title?: string;
  readonly force?: boolean;
}

/** Changes what a task says. Throws `conflict` for dependencies in a circle, `refused` for a task another works on. */
export async function editTask(context: Context, word: string, edit: Edit): Promise<Task> {
  const before = await taskOf(context, word);
  const { files } = checkFields(context, edit);
  await ensureRegistered(context);
  if (edit.force && before.owner) await refuseElsewhere(context, before.owner.session_id);
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
  const task = await applyEdit(context, before, edited, depends_on);
  await tellLoser(context, before, edit, "edited");
  await tell(context, "edited", task, { title: task.title, priority: task.priority });
  return task;
}

/** Changes a task to what `edited` makes of it, and tells nobody. */
export async function applyEdit(
  context: Context,
  before: Task,
  edited: (task: Task) => Task,
  depends_on: readonly string[] | undefined,
): Promise<Task> {
  edited(before); // what is refused notes no edges
  const write = (inTime = (task: Task) => task) => change(context, before.id, (current) => inTime(edited(current)));
  return changed(context, before.id, async () => {
    const after = await (depends_on ? withoutCircle(context, before, depends_on, write) : write());
    await leave(context, before, after);
    return after;
  });
}

const MOST_NOTES = 100;
const MAX_NOTES = 64 * 1024; // bytes in all: they are read with the task

/** Writes a note to a task, for whoever works on it. */
export async function noteTask(context: Context, word: string, note: string): Promise<Task> {
  const before = await taskOf(context, word);
  checkText(note, "note");
  if (!/\S/.test(note)) throw new RelayError("usage", `Cannot note nothing to "${word}"`);
  await ensureRegistered(context);
  const facts = await factsOf(context, before);
  const size = before.notes.reduce((sum, { text }) => sum + Buffer.byteLength(text), Buffer.byteLength(note));
  if (before.notes.length >= MOST_NOTES || size > MAX_NOTES)
    throw new RelayError("limit", `Cannot note more to "${before.id}": it has ${before.notes.length} notes`, {
      next: "write it to a file, and note where that is to its description: agent-relay task edit",
    });
  const line = { at: context.now(), session_id: context.session, text: note };
  const task = await change(context, before.id, (current) => ({
    ...moved(current, "note", actorOf(context, {}), facts),
    notes: [...current.notes, line],
  }));
  await tell(context, "noted", task, {});
  return task;
}

// Tasks are made to depend on older ones, so only an edit can close a circle. What is being edited is in one record, so that
// two edits cannot close one together.
const EDGES = "tasks/edges";
const Edges = object({
  /** Grows with each edit that ends: what was read of the tasks before is old. */
  ended: integer(),
  /** `<id>.<nonce>`: what a task is being made to depend on. */
  begun: recordOf(object({ at: integer(), depends_on: list(text()) })),
});
type Edges = Infer<typeof Edges>;
const EDIT_TIME = 30_000; // ms; an edit that takes longer fails, so that one that was killed keeps others back no longer than twice that

/** Makes a task depend on these by `run`. Throws `conflict` if it would wait for itself. */
async function withoutCircle(
  context: Context,
  task: Task,
  depends_on: readonly string[],
  run: (inTime: (task: Task) => Task) => Promise<Task>,
): Promise<Task> {
  const name = `${task.id}.${newNonce()}`;
  const at = context.now();
  await beginEdit(context, name, task, { at, depends_on: [...depends_on] });
  try {
    return await run((edited) => {
      if (context.now() - at <= EDIT_TIME) return edited;
      throw new RelayError("conflict", `Cannot edit "${task.id}": it took too long`, { next: "try again" });
    });
  } finally {
    await changeEdges(context, ({ ended, begun: { [name]: _, ...begun } }) => ({ ended: ended + 1, begun }));
  }
}

async function beginEdit(context: Context, name: string, task: Task, edit: Edges["begun"][string]): Promise<void> {
  await parsedOrSkipped(context.store, EDGES, Edges); // one that cannot be used is set aside
  const known = new Map<string, readonly string[]>();
  let ended: number | undefined;
  for (;;) {
    const missing = new Set<string>();
    await changeEdges(context, (edges) => {
      missing.clear();
      if (edges.ended !== ended) known.clear();
      ended = edges.ended;
      const isLate = ({ at }: { at: number }) => edit.at - at > 2 * EDIT_TIME;
      const begun = Object.entries(edges.begun).filter(([, other]) => !isLate(other));
      const circle = dependencyCircle(task.id, edit.depends_on, (id) => {
        if (!known.has(id)) missing.add(id);
        const coming = begun.filter(([other]) => other.startsWith(`${id}.`));
        return [...(known.get(id) ?? []), ...coming.flatMap(([, { depends_on }]) => depends_on)];
      });
      if (circle) throw circular(task, circle);
      return missing.size > 0 ? undefined : { ...edges, begun: { ...Object.fromEntries(begun), [name]: edit } };
    });
    if (missing.size === 0) return;
    for (const id of missing) {
      const needed = await readTask(context, id);
      known.set(id, needed && !isOver(needed) ? needed.depends_on : []);
    }
  }
}

/** Changes the record, or leaves it for undefined. */
async function changeEdges(context: Context, change: (edges: Edges) => Edges | undefined): Promise<void> {
  await context.store.update(EDGES, (value) => {
    const edges = value === undefined ? { ended: 0, begun: {} } : Edges.parse(value, EDGES);
    return change(edges) ?? value;
  });
}

function circular(task: Task, circle: readonly string[]): RelayError {
  return new RelayError("conflict", `Cannot let "${task.id}" wait for itself: ${circle.join(" waits for ")}`, {
    next: `agent-relay task show ${circle[1] ?? task.id}`,
  });
}
