import { type Context, parsedOrSkipped } from "./context.ts";
import { timeOf } from "./id.ts";
import { isSegment } from "./store/key.ts";
import { idAt, isOver, placeOf, Task, titleKey } from "./task.ts";

// The indexes of a task board are marks. They may list too much, never too little, whatever was killed when: a mark is made
// before what it stands for, taken away after it, and looked at again after it was taken away. Every look checks what
// it finds against the tasks themselves.

const OPEN = "tasks/open"; // <place>: not over
const READY = "tasks/ready"; // <place>: not blocked, and all it depends on is over
const ENDING = "tasks/ending"; // <id>: being ended; those that depend on it are yet to be listed as ready
const STALE = 24 * 3_600_000; // ms; nobody takes this long from a task's first mark to its record
const ALL = 100_000;

const dependents = (id: string) => `tasks/dependents/${id}`; // <place>: depends on that task

/** A task by its id, or undefined if there is none that can be read. */
export async function readTask({ store }: Context, id: string): Promise<Task | undefined> {
  if (!isSegment(id) || !id.startsWith("task-")) return undefined;
  const task = await parsedOrSkipped(store, `tasks/${id}`, Task);
  return task === undefined || task.id === id ? task : { ...task, id };
}

/** Writes a new task where every look finds it. */
export async function place(context: Context, task: Task): Promise<void> {
  const { store } = context;
  const name = placeOf(task);
  for (const needed of task.depends_on) await store.mark(`${dependents(needed)}/${name}`);
  await store.mark(`tasks/titles/${titleKey(task.title)}/${task.id}`);
  await store.mark(`${OPEN}/${name}`);
  const isReady = await isMet(context, task);
  if (isReady) await store.mark(`${READY}/${name}`);
  await store.create(`tasks/${task.id}`, task);
  if (!isReady) await settle(context, task.id); // what it waits for may have ended before it could be told of us
}

/** Whether all that a task depends on is over. What is gone is over. */
export async function isMet(context: Context, task: Pick<Task, "depends_on">): Promise<boolean> {
  return (await unmet(context, task)).length === 0;
}

/** What a task still waits for. */
export async function unmet(context: Context, task: Pick<Task, "depends_on">): Promise<Task[]> {
  const found: Task[] = [];
  for (const id of task.depends_on) {
    const needed = await readTask(context, id);
    if (needed && !isOver(needed)) found.push(needed);
  }
  return found;
}

/** Lists a task as what it is now. */
export async function settle(context: Context, id: string, name?: string): Promise<void> {
  const { store } = context;
  const task = await readTask(context, id);
  const now = task && placeOf(task);
  if (name !== undefined && name !== now) await store.unmark(`${READY}/${name}`);
  if (!task || now === undefined) return;
  if (await isReady(context, task)) {
    await store.mark(`${READY}/${now}`);
    return;
  }
  await store.unmark(`${READY}/${now}`);
  const again = await readTask(context, id); // it may have become ready before its mark was taken away
  if (again && (await isReady(context, again))) await store.mark(`${READY}/${placeOf(again)}`);
}

async function isReady(context: Context, task: Task): Promise<boolean> {
  return !isOver(task) && task.state !== "blocked" && (await isMet(context, task));
}

/** Runs what ends a task, and then lists those that waited for it. Returns their ids. */
export async function end(context: Context, id: string, change: () => Promise<Task>): Promise<string[]> {
  await context.store.mark(`${ENDING}/${id}`);
  try {
    const task = await change();
    return await release(context, task);
  } catch (error) {
    const task = await readTask(context, id);
    if (!task || !isOver(task)) await context.store.unmark(`${ENDING}/${id}`);
    throw error;
  }
}

/** Lists those that waited for a task that is over, and takes itself off every list. Returns their ids. */
async function release({ store }: Context, task: Task): Promise<string[]> {
  const waiting = await store.marks(dependents(task.id));
  for (const name of waiting) await store.mark(`${READY}/${name}`);
  for (const name of waiting) await store.unmark(`${dependents(task.id)}/${name}`);
  for (const folder of [READY, OPEN]) await store.unmark(`${folder}/${placeOf(task)}`);
  await store.unmark(`tasks/titles/${titleKey(task.title)}/${task.id}`);
  await store.unmark(`${ENDING}/${task.id}`);
  return waiting.map((name) => idAt(name)).filter((id) => id !== undefined);
}

/** Finishes what was killed while it ended a task. */
async function heal(context: Context): Promise<void> {
  for (const id of await context.store.marks(ENDING)) {
    const task = await readTask(context, id);
    if (task && isOver(task)) await release(context, task);
    else if (((await context.store.markedAt(`${ENDING}/${id}`)) ?? 0) < context.now() - STALE)
      await context.store.unmark(`${ENDING}/${id}`);
  }
}

/** Tasks that are ready or being worked on, the first to do first. */
export async function* readyTasks(context: Context): AsyncGenerator<Task> {
  await heal(context);
  for await (const { task, name } of listed(context, READY)) {
    if (name === placeOf(task) && (await isReady(context, task))) yield task;
    else await settle(context, task.id, name);
  }
}

/** Tasks that are not over, the first to do first. */
export async function* openTasks(context: Context): AsyncGenerator<Task> {
  await heal(context);
  for await (const { task, name } of listed(context, OPEN)) {
    if (name === placeOf(task) && !isOver(task)) yield task;
    else await context.store.unmark(`${OPEN}/${name}`);
  }
}

/** How many tasks are not over; counts names only. */
export async function countOpen({ store }: Context): Promise<number> {
  return (await store.marks(OPEN, { limit: ALL })).length;
}

async function* listed(context: Context, folder: string): AsyncGenerator<{ task: Task; name: string }> {
  const { store, now } = context;
  for (const name of await store.marks(folder)) {
    const id = idAt(name);
    const task = id === undefined ? undefined : await readTask(context, id);
    if (task) yield { task, name };
    else if ((timeOf(id ?? "") ?? 0) < now() - STALE) await store.unmark(`${folder}/${name}`);
  }
}

/** Lists a task under a new priority or title. Called before the record says so, with both; and after it, with what is over. */
export async function relist({ store }: Context, old: Task, next: Task): Promise<void> {
  for (const needed of next.depends_on) await store.mark(`${dependents(needed)}/${placeOf(next)}`);
  if (titleKey(next.title) !== titleKey(old.title)) await store.mark(`tasks/titles/${titleKey(next.title)}/${next.id}`);
  if (placeOf(next) !== placeOf(old)) await store.mark(`${OPEN}/${placeOf(next)}`);
}

/** Takes a task off the places that it has left. */
export async function unlist({ store }: Context, old: Task, now: Task): Promise<void> {
  const isMoved = placeOf(now) !== placeOf(old);
  for (const needed of old.depends_on)
    if (isMoved || !now.depends_on.includes(needed)) await store.unmark(`${dependents(needed)}/${placeOf(old)}`);
  if (titleKey(now.title) !== titleKey(old.title)) await store.unmark(`tasks/titles/${titleKey(old.title)}/${now.id}`);
  if (isMoved) for (const folder of [OPEN, READY]) await store.unmark(`${folder}/${placeOf(old)}`);
}

/** The ids of open tasks with this title, in any case. */
export async function tasksTitled(context: Context, title: string): Promise<string[]> {
  const found: string[] = [];
  const wanted = title.trim().toLowerCase();
  for (const id of await context.store.marks(`tasks/titles/${titleKey(wanted)}`)) {
    const task = await readTask(context, id);
    if (task && !isOver(task) && task.title.toLowerCase() === wanted) found.push(id);
  }
  return found;
}

/** Every task, the oldest first. */
export async function* allTasks(context: Context): AsyncGenerator<Task> {
  for (const id of await context.store.list("tasks")) {
    const task = await readTask(context, id);
    if (task) yield task;
  }
}

/** The ids that begin so. */
export async function tasksBegun({ store }: Context, beginning: string): Promise<string[]> {
  return (await store.list("tasks")).filter((id) => id.startsWith("task-") && id.startsWith(beginning));
}
