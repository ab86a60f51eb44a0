import { ensureRegistered } from "../agents/register.ts";
import { refuseElsewhere } from "../agents/registry.ts";
import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { shortId } from "../id.ts";
import { MAX_NOTES, MAX_NOTES_BYTES } from "../limits.ts";
import { iso } from "../time.ts";
import { withoutCycle } from "./dependencies.ts";
import { changed, leave } from "./indexes.ts";
import { checkText, checkTitle, moved, type Task } from "./task.ts";
import {
  actorOf,
  checkFields,
  factsOf,
  idsOf,
  logTask,
  notifyPreviousHolder,
  type TaskFields,
  type Telling,
  taskOf,
  updateTask,
} from "./update.ts";

export interface TaskEdit extends TaskFields {
  readonly title?: string | undefined;
  /** A person changes it in place of its holder, who is told. */
  readonly force?: boolean | undefined;
}

/** Changes the fields of a task. Throws `conflict` for a cycle of dependencies, `refused` if another works on it. */
export async function editTask(context: Context, word: string, edit: TaskEdit & Telling): Promise<Task> {
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
  await notifyPreviousHolder(context, before, "edited", edit);
  await logTask(context, "edited", task, { title: task.title, priority: task.priority });
  return task;
}

/** Applies `edited` to a task and its indexes. Writes no log entry and tells nobody. */
export async function applyEdit(
  context: Context,
  before: Task,
  edited: (task: Task) => Task,
  depends_on: readonly string[] | undefined,
): Promise<Task> {
  edited(before); // a refused edit throws here, before it is noted in the record of edges
  const write = (inTime = (task: Task) => task) => updateTask(context, before.id, (current) => inTime(edited(current)));
  return changed(context, before.id, async () => {
    const after = await (depends_on ? withoutCycle(context, before, depends_on, write) : write());
    await leave(context, before, after);
    return after;
  });
}

/** Writes a note to a task, for whoever works on it. */
export async function noteTask(context: Context, word: string, note: string): Promise<Task> {
  const before = await taskOf(context, word);
  checkText(note, "note");
  if (!/\S/.test(note)) throw new RelayError("usage", `Cannot note nothing to "${word}"`);
  await ensureRegistered(context);
  const facts = await factsOf(context, before);
  const size = before.notes.reduce((sum, { text }) => sum + Buffer.byteLength(text), Buffer.byteLength(note));
  if (before.notes.length >= MAX_NOTES || size > MAX_NOTES_BYTES)
    throw new RelayError("limit", `Cannot note more to "${shortId(before.id)}": it has ${before.notes.length} notes`, {
      next: "write it to a file, and note where that is to its description: agent-relay task edit",
    });
  const line = { at: iso(context.now()), session_id: context.session, text: note };
  const task = await updateTask(context, before.id, (current) => ({
    ...moved(current, "note", actorOf(context, {}), facts),
    notes: [...current.notes, line],
  }));
  await logTask(context, "noted", task, {});
  return task;
}
