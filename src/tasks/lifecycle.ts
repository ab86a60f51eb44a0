import { ensureRegistered } from "../agents/register.ts";
import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { newId } from "../id.ts";
import { eachReadable } from "../store/read.ts";
import { iso } from "../time.ts";
import { allTasks, changed, end, isMet, openTasks, place, readTask, readyTasks } from "./indexes.ts";
import { type Standings, standingsOf } from "./standings.ts";
import { checkTitle, isFree, type Task } from "./task.ts";
import {
  applyMove,
  checkFields,
  factsOf,
  giveBackFiles,
  idsOf,
  logTask,
  type MoveOptions,
  notifyPreviousHolder,
  reasonOf,
  type TaskFields,
  type Telling,
  taskOf,
} from "./update.ts";

const DEFAULT_LIST_LIMIT = 50;

export interface TaskList extends Standings {
  readonly tasks: readonly Task[];
  /** Whether there are more than `limit`. */
  readonly has_more: boolean;
}

/** A task that is over, and the tasks that became ready by it. */
export interface EndedTask {
  /** As it is now. */
  readonly task: Task;
  /** Those that anybody may take now. */
  readonly ready: readonly Task[];
}

/** Adds a pending task. `age` (Unix ms, default now) orders tasks of the same priority: the lower comes first. */
export async function addTask(context: Context, title: string, fields: TaskFields = {}, age = 0): Promise<Task> {
  const checked = checkFields(context, { ...fields, title });
  await ensureRegistered(context);
  const now = context.now();
  const task: Task = {
    id: newId("task", age || now),
    title: checkTitle(title),
    ...(fields.description === undefined ? {} : { description: fields.description }),
    files: checked.files ?? [],
    priority: fields.priority ?? 0,
    depends_on: await idsOf(context, fields.dependsOn ?? []),
    state: "pending",
    notes: [],
    created_by: context.session,
    created_at: iso(now),
    updated_at: iso(now),
  };
  await place(context, task);
  await logTask(context, "added", task, { title: task.title });
  return task;
}

export interface TaskListOptions {
  /** `ready`: those that could be taken now. `all`: also those that are over. Default: those that are not over. */
  readonly which?: "ready" | "open" | "all" | undefined;
  /** The most tasks; default 50. */
  readonly limit?: number | undefined;
}

/** Tasks, the first to do first; of `all`, the newest first. */
export async function listTasks(context: Context, options: TaskListOptions = {}): Promise<TaskList> {
  const { which = "open", limit = DEFAULT_LIST_LIMIT } = options;
  const { tasks, has_more } = await listedTasks(context, which, checkLimit(limit));
  return { tasks, has_more, ...(await standingsOf(context, tasks)) };
}

function checkLimit(limit: number): number {
  if (limit === Infinity || (Number.isInteger(limit) && limit > 0)) return limit;
  throw new RelayError("usage", `Cannot list ${limit} tasks: the limit is a whole number above 0`);
}

async function listedTasks(context: Context, which: "ready" | "open" | "all", limit: number) {
  if (which === "all") {
    const tasks: Task[] = [];
    for await (const task of allTasks(context)) tasks.push(task);
    return { tasks: tasks.reverse().slice(0, limit), has_more: tasks.length > limit };
  }
  const tasks: Task[] = [];
  for await (const task of which === "ready" ? readyTasks(context) : openTasks(context)) {
    if (which === "ready" && !isFree(task, await factsOf(context, task))) continue;
    if (tasks.length === limit) return { tasks, has_more: true };
    tasks.push(task);
  }
  return { tasks, has_more: false };
}

/** Ends this session's task as done. Throws `refused` for another session's task. */
export async function finishTask(context: Context, word: string, options: MoveOptions & Telling): Promise<EndedTask> {
  return endTask(context, word, "done", options);
}

/** Ends a task that will not be done. */
export async function cancelTask(context: Context, word: string, options: MoveOptions & Telling): Promise<EndedTask> {
  return endTask(context, word, "cancel", options);
}

async function endTask(
  context: Context,
  word: string,
  move: "done" | "cancel",
  options: MoveOptions & Telling,
): Promise<EndedTask> {
  const before = await taskOf(context, word);
  await ensureRegistered(context);
  let task = before;
  const waiting = await end(context, before.id, async () => {
    task = await applyMove(context, before, move, options);
    return task;
  });
  await giveBackFiles(context, before, options);
  const ready: Task[] = [];
  for await (const [, next] of eachReadable(context.store, waiting, (id) => readTask(context, id))) {
    if (next?.state === "pending" && (await isMet(context, next))) ready.push(next);
  }
  await logTask(context, move === "done" ? "done" : "cancelled", task, {
    ready: ready.map(({ id }) => id),
    ...reasonOf(options),
  });
  await notifyPreviousHolder(context, before, move === "done" ? "completed" : "cancelled", options);
  await context.settle();
  return { task, ready };
}

/** Gives a task back, for others to take. */
export async function releaseTask(context: Context, word: string, options: MoveOptions & Telling): Promise<Task> {
  return moveTask(context, word, "release", "released", options);
}

/** Says that a task cannot go on, and why. */
export async function blockTask(
  context: Context,
  word: string,
  reason: string,
  options: MoveOptions & Telling,
): Promise<Task> {
  if (!/\S/.test(reason))
    throw new RelayError("usage", `Cannot block "${word}" without a reason`, {
      next: `agent-relay task block ${word} "what it waits for"`,
    });
  return moveTask(context, word, "block", "blocked", { ...options, reason });
}

/** Lets a blocked task be taken again. */
export async function unblockTask(context: Context, word: string, options: MoveOptions & Telling): Promise<Task> {
  return moveTask(context, word, "unblock", "unblocked", options);
}

async function moveTask(
  context: Context,
  word: string,
  move: "release" | "block" | "unblock",
  event: string,
  options: MoveOptions & Telling,
): Promise<Task> {
  const before = await taskOf(context, word);
  await ensureRegistered(context);
  const task = await changed(context, before.id, () => applyMove(context, before, move, options));
  await giveBackFiles(context, before, options);
  await logTask(context, event, task, reasonOf(options));
  await notifyPreviousHolder(context, before, event, options);
  await context.settle();
  return task;
}
