import { ensureRegistered } from "./attend.ts";
import {
  allTasks,
  end,
  isMet,
  openTasks,
  place,
  readTask,
  readyTasks,
  relist,
  settle,
  tasksBegun,
  tasksTitled,
  unlist,
  unmet,
} from "./board.ts";
import { type Claim, checkTtl, TTL } from "./claim.ts";
import { pathTargets } from "./claim-path.ts";
import { claimTargets, extend, giveBackById } from "./claiming.ts";
import type { Context } from "./context.ts";
import { RelayError } from "./errors.ts";
import { newId } from "./id.ts";
import { record } from "./journal.ts";
import { plain } from "./overlap.ts";
import { isGone } from "./roster.ts";
import { list, object, record as recordOf, text } from "./schema.ts";
import { send } from "./send.ts";
import {
  type Actor,
  checkPriority,
  checkText,
  checkTitle,
  dependencyCircle,
  type Facts,
  isFree,
  isOver,
  type Move,
  moved,
  Task,
  taken,
} from "./task.ts";

const HOLD = 30_000; // ms that files are held while their task is being taken
const LIST_LIMIT = 50;

export interface TaskFields {
  readonly description?: string;
  /** Paths or globs, as for a claim. */
  readonly files?: readonly string[];
  /** Higher comes first; default 0. */
  readonly priority?: number;
  /** Ids or titles of tasks that must be over before. */
  readonly dependsOn?: readonly string[];
  /** What relative paths are relative to; default the folder the Relay was made for. */
  readonly cwd?: string;
}

export interface TakeOptions {
  /** How long it is believed that this session works on it, ms: 10 seconds to 8 hours, default 30 minutes. Claim again to renew. */
  readonly ttl?: number;
  /** Claims its files too, all or none. They are given back when the task is done or released. */
  readonly claimFiles?: boolean;
  /** Takes it although what it depends on is not over. */
  readonly ignoreDependencies?: boolean;
  /** A person takes it from whoever has it; they are told. */
  readonly force?: boolean;
}

export interface MoveOptions {
  /** Why. */
  readonly reason?: string;
  /** A person decides for whoever has it; they are told. */
  readonly force?: boolean;
}

export interface TaskList {
  readonly tasks: readonly Task[];
  /** Whether there are more. */
  readonly has_more: boolean;
}

/** A task, and what became ready because it is over. */
export interface Ended {
  readonly task: Task;
  readonly ready: readonly Task[];
}

export async function addTask(context: Context, title: string, fields: TaskFields = {}): Promise<Task> {
  const checked = checkFields(context, { ...fields, title });
  await ensureRegistered(context);
  const now = context.now();
  const task: Task = {
    id: newId("task", now),
    title: checkTitle(title),
    ...(fields.description === undefined ? {} : { description: fields.description }),
    files: checked.files ?? [],
    priority: fields.priority ?? 0,
    depends_on: await idsOf(context, fields.dependsOn ?? []),
    state: "pending",
    notes: [],
    created_by: context.session,
    created_at: now,
    updated_at: now,
  };
  await place(context, task);
  await tell(context, "added", task, { title: task.title });
  return task;
}

/** One task, by its id, the unique beginning of it, or the title of an open one. Throws `not_found`. */
export async function taskOf(context: Context, word: string): Promise<Task> {
  const exact = await readTask(context, word);
  if (exact) return exact;
  const titled = await tasksTitled(context, word);
  const [only, second] = titled.length > 0 ? titled : word.length < 6 ? [] : await tasksBegun(context, word);
  if (only !== undefined && second !== undefined)
    throw new RelayError("usage", `Cannot tell which task "${word}" is: it could be ${only} or ${second}`, {
      next: `agent-relay task show ${only}`,
    });
  const task = only === undefined ? undefined : await readTask(context, only);
  if (task) return task;
  throw new RelayError("not_found", `Cannot find task "${word}": no open one has that id or title`, {
    next: "agent-relay task list",
  });
}

export interface ListOptions {
  /** `ready`: those that could be taken now. `all`: also those that are over. Default: those that are not over. */
  readonly which?: "ready" | "open" | "all";
  /** The most tasks; default 50. */
  readonly limit?: number;
}

/** Tasks, the first to do first; of `all`, the newest first. */
export async function listTasks(context: Context, options: ListOptions = {}): Promise<TaskList> {
  const { which = "open", limit = LIST_LIMIT } = options;
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

/** Takes one task, or renews it. Throws `conflict` for what another works on, or waits for others. */
export async function claimTask(context: Context, word: string, options: TakeOptions = {}): Promise<Task> {
  const task = await taskOf(context, word);
  const missing = options.ignoreDependencies ? [] : await unmet(context, task);
  const [first] = missing;
  if (first && !isOver(task))
    throw new RelayError(
      "conflict",
      `Cannot claim "${task.id}": it waits for ${missing.map(({ id }) => id).join(", ")}`,
      {
        next: `agent-relay task show ${first.id}, or take it all the same with --ignore-dependencies`,
      },
    );
  return takeTask(context, task, options);
}

/** Takes the best task that is ready, or none. Work that its owner left lying counts as ready. */
export async function nextTask(context: Context, options: TakeOptions = {}): Promise<Task | undefined> {
  for await (const task of readyTasks(context)) {
    if (!isFree(task, await factsOf(context, task))) continue;
    try {
      return await takeTask(context, task, options);
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== "conflict") throw error; // another was faster, or has its files
    }
  }
  return undefined;
}

/** Its files first, all or none; then the task. What is killed between leaves a short lease on the files. */
async function takeTask(context: Context, task: Task, options: TakeOptions): Promise<Task> {
  const ttl = checkTtl(options.ttl ?? TTL.default);
  await ensureRegistered(context);
  const hold = options.claimFiles && task.files.length > 0 ? await holdFiles(context, task) : undefined;
  try {
    const facts = await factsOf(context, task);
    const next = await change(context, task.id, (current) => {
      if (current.depends_on.join() !== task.depends_on.join())
        throw new RelayError("conflict", `Cannot claim "${task.id}": it was just changed`, { next: "try again" });
      return taken(current, actorOf(context, options), { ttl, claim: hold?.id }, facts);
    });
    if (hold) await extend(context, hold, ttl);
    await tell(context, "claimed", next, { token: next.owner?.token, ...whose(task, context) });
    await tellLoser(context, task, options, "took over");
    return next;
  } catch (error) {
    if (hold && hold.id !== task.owner?.claim) await giveBackById(context, hold.id);
    throw error;
  }
}

function holdFiles(context: Context, task: Task): Promise<Claim> {
  const targets = task.files.map((path) => ({ path }));
  const reason = `task: ${task.title}`;
  return claimTargets(context, targets, { ttl: HOLD, reason }, `task claim ${task.id} --claim-files`);
}

/** Says that this session's task is done. Throws `refused` for another's. */
export async function finishTask(context: Context, word: string, options: MoveOptions = {}): Promise<Ended> {
  return over(context, word, "done", options);
}

/** Says that a task will not be done. */
export async function cancelTask(context: Context, word: string, options: MoveOptions = {}): Promise<Ended> {
  return over(context, word, "cancel", options);
}

async function over(context: Context, word: string, move: "done" | "cancel", options: MoveOptions): Promise<Ended> {
  const before = await taskOf(context, word);
  await ensureRegistered(context);
  let task = before;
  const waiting = await end(context, before.id, async () => {
    task = await step(context, before, move, options);
    return task;
  });
  await giveBackFiles(context, before);
  const ready: Task[] = [];
  for (const id of waiting) {
    const next = await readTask(context, id);
    if (next?.state === "pending" && (await isMet(context, next))) ready.push(next);
  }
  await tell(context, move === "done" ? "done" : "cancelled", task, {
    ready: ready.map(({ id }) => id),
    ...why(options),
  });
  await tellLoser(context, before, options, move === "done" ? "completed" : "cancelled");
  return { task, ready };
}

/** Gives a task back, for others to take. */
export async function releaseTask(context: Context, word: string, options: MoveOptions = {}): Promise<Task> {
  return go(context, word, "release", "released", options);
}

/** Says that a task cannot go on, and why. */
export async function blockTask(
  context: Context,
  word: string,
  options: MoveOptions & { reason: string },
): Promise<Task> {
  if (!/\S/.test(options.reason))
    throw new RelayError("usage", `Cannot block "${word}" without a reason`, {
      next: `agent-relay task block ${word} "what it waits for"`,
    });
  return go(context, word, "block", "blocked", options);
}

/** Lets a blocked task be taken again. */
export async function unblockTask(context: Context, word: string, options: MoveOptions = {}): Promise<Task> {
  return go(context, word, "unblock", "unblocked", options);
}

async function go(
  context: Context,
  word: string,
  move: "release" | "block" | "unblock",
  event: string,
  options: MoveOptions,
): Promise<Task> {
  const before = await taskOf(context, word);
  await ensureRegistered(context);
  const task = await step(context, before, move, options);
  await settle(context, task.id);
  await giveBackFiles(context, before);
  await tell(context, event, task, why(options));
  await tellLoser(context, before, options, event);
  return task;
}

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
  const next = edited(before);
  if (depends_on) await addEdges(context, before, depends_on);
  await relist(context, before, next);
  const task = await change(context, before.id, edited);
  if (depends_on) await keepEdges(context, task);
  await unlist(context, before, task);
  await settle(context, task.id);
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
  const task = await change(context, before.id, (current) => {
    const next = moved(current, "note", actorOf(context, {}), facts, current.reason);
    return {
      ...next,
      ...(current.ended_at === undefined ? {} : { ended_at: current.ended_at }),
      notes: [...current.notes, line],
    };
  });
  await tell(context, "noted", task, {});
  return task;
}

/** Lets every task of this session be believed for its whole time again. Returns them. */
export async function renewTasks(context: Context): Promise<Task[]> {
  const mine: Task[] = [];
  for await (const task of readyTasks(context))
    if (task.owner?.session_id === context.session && task.state === "in_progress") mine.push(task);
  const renewed: Task[] = [];
  for (const task of mine) {
    const facts = await factsOf(context, task);
    const ttl = task.owner?.ttl ?? TTL.default;
    renewed.push(await change(context, task.id, (current) => taken(current, actorOf(context, {}), { ttl }, facts)));
  }
  return renewed;
}

async function step(context: Context, task: Task, move: Exclude<Move, "claim">, options: MoveOptions): Promise<Task> {
  const facts = await factsOf(context, task);
  return change(context, task.id, (current) => moved(current, move, actorOf(context, options), facts, options.reason));
}

async function change(context: Context, id: string, step: (task: Task) => Task): Promise<Task> {
  const key = `tasks/${id}`;
  const next = await context.store.update(key, (value) => value && step(Task.parse(value, key)));
  if (next) return Task.parse(next, key);
  throw new RelayError("not_found", `Cannot find task "${id}": it was removed`, { next: "agent-relay task list" });
}

async function giveBackFiles(context: Context, { owner }: Task): Promise<void> {
  if (owner?.claim !== undefined) await giveBackById(context, owner.claim);
}

async function factsOf(context: Context, { owner }: Task): Promise<Facts> {
  const gone = owner && (await isGone(context, owner.session_id)) ? owner.session_id : undefined;
  return { now: context.now(), isGone: (session) => session === gone };
}

function actorOf({ session, agent }: Context, { force = false }: { readonly force?: boolean }): Actor {
  return { session_id: session, agent_id: agent, isPerson: force };
}

function checkFields(context: Context, fields: TaskFields & { title?: string }): { files?: string[] } {
  if (fields.title !== undefined) checkTitle(fields.title);
  if (fields.description !== undefined) checkText(fields.description, "description");
  if (fields.priority !== undefined) checkPriority(fields.priority);
  if (fields.files === undefined) return {};
  const cwd = fields.cwd ?? context.registration.cwd ?? context.project;
  const targets = fields.files.flatMap((typed) => pathTargets(typed, { cwd, project: context.project }));
  return { files: targets.map(({ path }) => path).filter((path) => path !== undefined) };
}

async function idsOf(context: Context, words: readonly string[]): Promise<string[]> {
  const ids = new Set<string>();
  for (const word of words) ids.add((await taskOf(context, word)).id);
  return [...ids];
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

function tell(context: Context, what: string, task: Task, details: Readonly<Record<string, unknown>>): Promise<void> {
  return record(context, { event: `task.${what}`, id: task.id, state: task.state, ...details });
}

function why({ reason, force }: MoveOptions): Readonly<Record<string, unknown>> {
  return { ...(reason === undefined ? {} : { reason }), ...(force ? { forced: true } : {}) };
}

function whose({ owner }: Task, { session }: Context): Readonly<Record<string, unknown>> {
  return owner && owner.session_id !== session ? { taken_from: owner.session_id } : {};
}

async function tellLoser(context: Context, before: Task, { force }: MoveOptions, what: string): Promise<void> {
  const { owner } = before;
  if (!force || !owner || owner.session_id === context.session || before.state !== "in_progress") return;
  const text = `${context.session} ${what} your task ${before.id} "${before.title}" (--force)`;
  await send(context, text, { to: owner.session_id, kind: "status", keep: true });
}

/** The files of a task, as a person would write them. */
export function filesOf(task: Task): string[] {
  return task.files.map(plain);
}
