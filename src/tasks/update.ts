import { record } from "../activity/log.ts";
import { callsOf, refuseElsewhere, standingOf } from "../agents/registry.ts";
import { giveBackById } from "../claims/claims.ts";
import { pathTargets, whence } from "../claims/paths.ts";
import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { MAX_TASK_REASON_BYTES } from "../limits.ts";
import { onlyOne } from "../store/id-part.ts";
import { readTask, tasksTitled, tasksWith } from "./indexes.ts";
import {
  checkPriority,
  checkText,
  checkTitle,
  holderOf,
  moved,
  Task,
  type TaskActor,
  type TaskFacts,
  type TaskMove,
} from "./task.ts";

// What every change of a task has in common.

export interface TaskFields {
  readonly description?: string | undefined;
  /** Paths or globs, as for a claim. */
  readonly files?: readonly string[] | undefined;
  /** Higher comes first; default 0. */
  readonly priority?: number | undefined;
  /** Ids or titles of tasks that must be over before this one is taken. */
  readonly dependsOn?: readonly string[] | undefined;
  /** What relative paths are relative to; default the folder the Relay was made for. */
  readonly cwd?: string | undefined;
}

export interface MoveOptions {
  readonly reason?: string | undefined;
  /** A person makes the move in place of the holder, who is told. */
  readonly force?: boolean | undefined;
}

/** One task, by its id, a unique beginning or end of it, or an open one's title. Throws `not_found`, `usage` for several. */
export async function taskOf(context: Context, word: string): Promise<Task> {
  const exact = await readTask(context, word);
  if (exact) return exact;
  const titled = await tasksTitled(context, word);
  const only = onlyOne(titled.length > 0 ? titled : await tasksWith(context, word), word, "task");
  const task = only === undefined ? undefined : await readTask(context, only);
  if (task) return task;
  if ((await context.store.setAside?.())?.some(({ key }) => key === `tasks/${word}`))
    throw new RelayError("corrupt", `Cannot read task "${word}": its record is broken, and was set aside`, {
      next: "agent-relay quarantine list",
    });
  throw new RelayError("not_found", `Cannot find task "${word}": no open one has that id or title`, {
    next: "agent-relay task list",
  });
}

export async function applyMove(
  context: Context,
  task: Task,
  move: Exclude<TaskMove, "claim">,
  options: MoveOptions,
): Promise<Task> {
  if (options.reason !== undefined) checkText(options.reason, "reason", MAX_TASK_REASON_BYTES);
  if (options.force && task.owner) await refuseElsewhere(context, task.owner.session_id);
  const facts = await factsOf(context, task);
  return updateTask(context, task.id, (current) =>
    moved(current, move, actorOf(context, options), facts, options.reason),
  );
}

export async function updateTask(context: Context, id: string, step: (task: Task) => Task): Promise<Task> {
  const key = `tasks/${id}`;
  const next = await context.store.update(key, (value) => value && step(Task.parse(value, key)));
  if (next) return Task.parse(next, key);
  throw new RelayError("not_found", `Cannot find task "${id}": it was removed`, { next: "agent-relay task list" });
}

/** Gives back a task's claim on its files when work stops. If another agent stopped it, the holder keeps the claim. */
export async function giveBackFiles(context: Context, task: Task, { force }: MoveOptions): Promise<void> {
  const holder = holderOf(task, await factsOf(context, task));
  const isOurs = force || holder === undefined || holder.session_id === context.session;
  if (task.owner?.claim !== undefined && isOurs) await giveBackById(context, task.owner.claim);
}

export async function factsOf(context: Context, { owner }: Task): Promise<TaskFacts> {
  const { called = "", isGone = false } = owner ? await standingOf(context, owner.session_id) : {};
  const isOwner = (session: string) => session === owner?.session_id;
  return {
    now: context.now(),
    isGone: (session) => isGone && isOwner(session),
    call: (session) => (isOwner(session) ? called : session),
  };
}

export function actorOf(
  { session, agent }: Context,
  { force = false }: { readonly force?: boolean | undefined },
): TaskActor {
  return { session_id: session, agent_id: agent, isPerson: force };
}

export function checkFields(
  context: Context,
  fields: TaskFields & { title?: string | undefined },
): { files?: string[] } {
  if (fields.title !== undefined) checkTitle(fields.title);
  if (fields.description !== undefined) checkText(fields.description, "description");
  if (fields.priority !== undefined) checkPriority(fields.priority);
  if (fields.files === undefined) return {};
  const base = whence(context, { cwd: fields.cwd });
  const targets = fields.files.flatMap((typed) => pathTargets(typed, base));
  return { files: targets.map(({ path }) => path).filter((path) => path !== undefined) };
}

export async function idsOf(context: Context, words: readonly string[]): Promise<string[]> {
  const ids = new Set<string>();
  for (const word of words) ids.add((await taskOf(context, word)).id);
  return [...ids];
}

export async function logTask(
  context: Context,
  what: string,
  task: Task,
  details: Readonly<Record<string, unknown>>,
): Promise<void> {
  await context.store.mark(`agents/${context.session}.moved`, context.now());
  await record(context, { event: `task.${what}`, id: task.id, state: task.state, ...details });
}

export function reasonOf({ reason, force }: MoveOptions): Readonly<Record<string, unknown>> {
  return { ...(reason === undefined ? {} : { reason }), ...(force ? { forced: true } : {}) };
}

export function takenFrom({ owner }: Task, { session }: Context): Readonly<Record<string, unknown>> {
  return owner && owner.session_id !== session ? { taken_from: owner.session_id } : {};
}

/** The session that lost its task, to a person or to the task's creator, and the text that tells it so. */
export interface Loss {
  readonly session_id: string;
  readonly text: string;
}

/** A callback for each change that can take a task from its holder; called once the change is done. */
export interface Telling {
  readonly tellLoser: (loss: Loss) => Promise<unknown>;
}

/** Tells the session that held the task before a change, if another session made the change. */
export async function notifyPreviousHolder(
  context: Context,
  before: Task,
  what: string,
  { force, tellLoser: tell }: MoveOptions & Telling,
): Promise<void> {
  const owner = holderOf(before, await factsOf(context, before));
  if (!owner || owner.session_id === context.session) return;
  const why = force ? "(--force)" : "(it made the task)";
  const files = owner.claim === undefined || force ? "" : "; you still hold its files, until you release them";
  const me = (await callsOf(context, [context.session]))(context.session);
  const text = `${me} ${what} your task ${before.id} "${before.title}" ${why}${files}`;
  await tell({ session_id: owner.session_id, text });
}
