import { asFarAsPossible, type Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { newNonce, timeOf } from "../id.ts";
import { bootId } from "../machine/process.ts";
import { namesWith } from "../store/id-part.ts";
import { isSegment } from "../store/key.ts";
import { eachReadable, parsed } from "../store/read.ts";
import { idAt, isOver, placeOf, Task, titleKey } from "./task.ts";

// The indexes of tasks are marks. An index may list too much, never too little, whichever process is killed when. A
// process that changes an indexed field or removes a mark first marks the task as unsettled, and last lists it again as
// its record then says. Every scan lists the unsettled tasks again, and checks what it finds against the task records.

const OPEN = "tasks/open"; // <place>: not over
const READY = "tasks/ready"; // <place>: not blocked, and all it depends on is over
const UNSETTLED = "tasks/unsettled"; // <id>.<nonce>: being changed; its other marks may be wrong
const STALE_MARK_MS = 24 * 3_600_000; // no process takes this long from a task's first mark to its record
const ALL = 100_000;

const ownedBy = (session: string) => `tasks/owned/${session}`; // <id>: that session works on it
const dependents = (id: string) => `tasks/dependents/${id}`; // <place>: depends on that task

/** A task by its id, or undefined if there is none that can be read. */
export async function readTask(context: Context, id: string): Promise<Task | undefined> {
  if (!isSegment(id) || !id.startsWith("task-")) return undefined;
  try {
    const task = await parsed(context.store, `tasks/${id}`, Task);
    return task === undefined || task.id === id ? task : { ...task, id };
  } catch (error) {
    if (!(error instanceof RelayError) || error.code !== "corrupt") throw error;
    if (!context.store.served) await tellOfBrokenTask(context, id);
    return undefined;
  }
}

/** Tells everyone, once, that a task's record was set aside: who made it and who works on it is not known any more. */
export async function tellOfBrokenTask({ announce }: Context, id: string): Promise<void> {
  const text = `The record of ${id} could not be read and was set aside. It can be mended where it is: agent-relay quarantine list`;
  await asFarAsPossible(() => announce(`broken-${id}`, text));
}

/** Lists a new task, then writes its record, so that every scan finds it. */
export async function place(context: Context, task: Task): Promise<void> {
  await list(context, task);
  await context.store.create(`tasks/${task.id}`, task);
}

/** Lists a task that is not over. It is marked as a dependent before its dependencies are checked: no end is missed. */
async function list(context: Context, task: Task): Promise<void> {
  const { store } = context;
  const name = placeOf(task);
  for (const { id } of await unmet(context, task)) await store.mark(`${dependents(id)}/${name}`);
  await store.mark(`tasks/titles/${titleKey(task.title)}/${task.id}`);
  await store.mark(`${OPEN}/${name}`);
  if (task.state === "in_progress" && task.owner) await store.mark(`${ownedBy(task.owner.session_id)}/${task.id}`);
  if (await isReady(context, task)) await store.mark(`${READY}/${name}`);
}

/** Whether all dependencies of a task are over. A dependency that was removed is over. */
export async function isMet(context: Context, task: Pick<Task, "depends_on">): Promise<boolean> {
  return (await unmet(context, task)).length === 0;
}

/** The dependencies of a task that are not over. */
export async function unmet(context: Context, task: Pick<Task, "depends_on">): Promise<Task[]> {
  const found: Task[] = [];
  for (const id of task.depends_on) {
    const needed = await readTask(context, id);
    if (needed && !isOver(needed)) found.push(needed);
  }
  return found;
}

/** The ids of a task's dependencies whose records are gone. A task that is not over keeps those of its dependencies. */
export async function lostDependencies(context: Context, task: Task): Promise<string[]> {
  const lost: string[] = [];
  for (const id of isOver(task) ? [] : task.depends_on) if (!(await readTask(context, id))) lost.push(id);
  return lost;
}

async function isReady(context: Context, task: Task): Promise<boolean> {
  return !isOver(task) && task.state !== "blocked" && (await isMet(context, task));
}

/** Runs a change of a task, then lists the task as it now is. If this process is killed, the next scan lists it. */
export async function changed(context: Context, id: string, change: () => Promise<Task>): Promise<Task> {
  return unsettled(context, id, async () => {
    const task = await change();
    await settleTask(context, id);
    return task;
  });
}

/** Runs the change that ends a task, then lists its dependents as ready. Returns their ids. */
export async function end(context: Context, id: string, change: () => Promise<Task>): Promise<string[]> {
  const { store } = context;
  await reindexAfterBoot(context);
  return unsettled(context, id, async () => {
    const before = await store.marks(dependents(id)); // another process's scan may list them before we do
    const waiting = [...before, ...(await release(context, await change()))];
    return [...new Set(waiting.map(idAt))].filter((each) => each !== undefined);
  });
}

async function unsettled<T>(context: Context, id: string, run: () => Promise<T>): Promise<T> {
  const { store } = context;
  const guard = `${UNSETTLED}/${id}.${newNonce()}`; // one for each change: a failed change removes no other's guard
  await store.mark(guard);
  let result: T;
  try {
    result = await run();
  } catch (error) {
    await settleTask(context, id);
    await store.unmark(guard);
    throw error;
  }
  await store.unmark(guard);
  return result;
}

/** Brings the indexes in line with a task's record. Returns whether the task is over, so that they stay so. */
export async function settleTask(context: Context, id: string): Promise<boolean> {
  const task = await readTask(context, id);
  if (task && isOver(task)) await release(context, task);
  else if (task) await list(context, task);
  return task !== undefined && isOver(task);
}

/** Lists the dependents of a task that is over as ready, and takes the task off every index. Returns their places. */
async function release({ store }: Context, task: Task): Promise<string[]> {
  const waiting = await store.marks(dependents(task.id));
  for (const name of waiting) await store.mark(`${READY}/${name}`);
  for (const name of waiting) await store.unmark(`${dependents(task.id)}/${name}`);
  for (const folder of [READY, OPEN]) await store.unmark(`${folder}/${placeOf(task)}`);
  await store.unmark(`tasks/titles/${titleKey(task.title)}/${task.id}`);
  if (task.owner) await store.unmark(`${ownedBy(task.owner.session_id)}/${task.id}`);
  return waiting;
}

/** Settles every unsettled task: the process that changed it may have been killed. */
async function heal(context: Context): Promise<void> {
  await reindexAfterBoot(context);
  const { store, now } = context;
  for (const name of await store.marks(UNSETTLED)) {
    const isForGood = await settleTask(context, name.slice(0, name.lastIndexOf(".")));
    const guard = `${UNSETTLED}/${name}`;
    if (isForGood || ((await store.markedAt(guard)) ?? 0) < now() - STALE_MARK_MS) await store.unmark(guard);
  }
}

/** Lists every task again, once after each reboot: marks are not fsynced. */
export async function reindexAfterBoot(context: Context): Promise<void> {
  const { store } = context;
  if (store.served) return;
  const stamp = `stamps/boot.${bootId()}.tasks`;
  if (bootId() === undefined || (await store.markedAt(stamp)) !== undefined) return;
  let isBoard = false; // a scan of no tasks writes nothing
  for await (const { id } of allTasks(context)) {
    isBoard = true;
    await settleTask(context, id);
  }
  if (isBoard) await store.mark(stamp);
}

/** Tasks that are pending or in progress and whose dependencies are over, the first to do first. */
export function readyTasks(context: Context): AsyncGenerator<Task> {
  return listed(context, READY, (task) => isReady(context, task));
}

/** Tasks that are not over, the first to do first. */
export function openTasks(context: Context): AsyncGenerator<Task> {
  return listed(context, OPEN, async (task) => !isOver(task));
}

/** The names in an index. Where it cannot be brought up to date, since nothing can be written, those of all tasks. */
async function namesIn(context: Context, folder: string, nameOf: (task: Task) => string): Promise<readonly string[]> {
  if (await asFarAsPossible(() => heal(context))) return context.store.marks(folder);
  const names: string[] = [];
  for await (const task of allTasks(context)) names.push(nameOf(task));
  return names.sort();
}

/** Tasks that a session works on, the oldest first. */
export async function* tasksOf(context: Context, session: string): AsyncGenerator<Task> {
  const folder = ownedBy(session);
  const ids = await namesIn(context, folder, ({ id }) => id);
  for await (const [id, task] of eachReadable(context.store, ids, (each) => readTask(context, each))) {
    if (task?.state === "in_progress" && task.owner?.session_id === session) yield task;
    else if (task) await unlist(context, task, `${folder}/${id}`);
    else await asFarAsPossible(() => context.store.unmark(`${folder}/${id}`));
  }
}

async function* listed(
  context: Context,
  folder: string,
  isMeant: (task: Task) => Promise<boolean>,
): AsyncGenerator<Task> {
  const { store, now } = context;
  const names = await namesIn(context, folder, placeOf);
  const seen = new Set<string>();
  const moved: Task[] = []; // tasks whose place changed during this scan
  const taskAt = async (name: string) => readTask(context, idAt(name) ?? "");
  for await (const [name, task] of eachReadable(store, names, taskAt)) {
    if (!task) {
      const isStale = (timeOf(idAt(name) ?? "") ?? 0) < now() - STALE_MARK_MS;
      if (isStale) await asFarAsPossible(() => store.unmark(`${folder}/${name}`));
    } else if (!(await isMeant(task))) {
      await unlist(context, task, `${folder}/${name}`);
    } else if (name !== placeOf(task)) {
      moved.push(task);
      await unlist(context, task, `${folder}/${name}`);
    } else {
      seen.add(task.id);
      yield task;
    }
  }
  for (const task of moved) if (!seen.has(task.id)) yield task;
}

/** Removes a mark that no longer fits its task, and settles the task: the mark may just be becoming true again. */
async function unlist(context: Context, { id, state }: Task, mark: string): Promise<void> {
  await asFarAsPossible(async () => {
    if (isOver({ state })) return context.store.unmark(mark);
    await unsettled(context, id, async () => {
      await context.store.unmark(mark);
      await settleTask(context, id);
    });
  });
}

/** How many tasks are not over; counts marks and reads no record. */
export async function countOpen({ store }: Context): Promise<number> {
  return (await store.marks(OPEN, { limit: ALL })).length;
}

/** Removes the marks of a task's old place, title and dependencies. Call it while the task is unsettled. */
export async function leave({ store }: Context, old: Task, now: Task): Promise<void> {
  const isMoved = placeOf(now) !== placeOf(old);
  for (const needed of old.depends_on)
    if (isMoved || !now.depends_on.includes(needed)) await store.unmark(`${dependents(needed)}/${placeOf(old)}`);
  if (titleKey(now.title) !== titleKey(old.title)) await store.unmark(`tasks/titles/${titleKey(old.title)}/${now.id}`);
  if (isMoved) for (const folder of [OPEN, READY]) await store.unmark(`${folder}/${placeOf(old)}`);
}

/** The ids of open tasks with this title, in any case. */
export async function tasksTitled(context: Context, title: string): Promise<string[]> {
  await reindexAfterBoot(context);
  const found: string[] = [];
  const wanted = title.trim().toLowerCase();
  const ids = await context.store.marks(`tasks/titles/${titleKey(wanted)}`);
  for await (const [id, task] of eachReadable(context.store, ids, (each) => readTask(context, each))) {
    if (task && !isOver(task) && task.title.toLowerCase() === wanted) found.push(id);
  }
  return found;
}

/** Every task, the oldest first. */
export async function* allTasks(context: Context): AsyncGenerator<Task> {
  const ids = await context.store.list("tasks");
  for await (const [, task] of eachReadable(context.store, ids, (id) => readTask(context, id))) if (task) yield task;
}

/** The ids of tasks that begin or end with `part`. */
export async function tasksWith({ store }: Context, part: string): Promise<string[]> {
  return (await namesWith(store, "tasks", part)).filter((id) => id.startsWith("task-"));
}
