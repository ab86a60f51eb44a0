import { endWatch, NOTE_EVERY_MS, noteLook } from "../agents/hearing.ts";
import { ensureRegistered } from "../agents/register.ts";
import { callsOf, hasEnded, hasLeft, readAgent, sessionOf } from "../agents/registry.ts";
import { type DeadlockStep, deadlock } from "../claims/deadlock.ts";
import { changeClaims } from "../claims/ledger.ts";
import { pathTargets, whence } from "../claims/paths.ts";
import { circleError, PID_POLL_MS } from "../claims/queue.ts";
import { leaveQueue } from "../claims/rules.ts";
import { asFarAsPossible, type Context } from "../context.ts";
import { formatDuration } from "../duration.ts";
import { RelayError, unlessAway } from "../errors.ts";
import { newId, shortId, withShortIds } from "../id.ts";
import { checkTimeout, MAX_CONDITIONS, MAX_WAITS, WAIT_TIMEOUT_MS } from "../limits.ts";
import { thisProcess } from "../machine/process.ts";
import { scanForForeign, scanInterval } from "../messages/discover.ts";
import { messageFor } from "../messages/records.ts";
import { ChangeWaiter } from "../store/changes.ts";
import { namesWith, onlyOne } from "../store/id-part.ts";
import { checkSegment, isSegment } from "../store/key.ts";
import { eachReadable } from "../store/read.ts";
import { taskOf } from "../tasks/update.ts";
import { jsonText } from "../text.ts";
import { iso, steady } from "../time.ts";
import { conditionState } from "./conditions.ts";
import { PENDING } from "./pending.ts";
import { createWait, endWait, metOf, readWait } from "./settle.ts";
import {
  type Condition,
  type ConditionState,
  isOver,
  sayConditions,
  sessionsIn,
  type Wait,
  type WaitFor,
} from "./wait.ts";

export interface WaitOptions {
  /** One of what is waited for is enough; default all. */
  readonly any?: boolean | undefined;
  /** ms; default 10 minutes, and 8 hours for `subscribe`. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait, by its reason. */
  readonly signal?: AbortSignal | undefined;
  /** What relative paths are relative to; default the folder the Relay was made for. */
  readonly cwd?: string | undefined;
  /** Means the paths in this worktree only. */
  readonly thisWorktreeOnly?: boolean | undefined;
}

/** What came true, a line for each. */
export interface WaitResult {
  /** A line for each condition that came true, in words. */
  readonly outcome: readonly string[];
}

/** Waits in this process. Throws `timed_out`, and `conflict` at once for a deadlock, or when this session has ended. */
export async function wait(context: Context, wished: WaitFor, options: WaitOptions = {}): Promise<WaitResult> {
  const conditions = await conditionsOf(context, wished, options);
  const timeout = checkTimeout(options.timeoutMs ?? WAIT_TIMEOUT_MS.blocking);
  await ensureRegistered(context);
  const any = options.any ?? false;
  const id = newId("wait", context.now());
  const until = steady() + timeout;
  const what = sayConditions(conditions, any, await callsOf(context, sessionsIn(conditions)));
  const outcomes: (string | undefined)[] = conditions.map(() => undefined);
  const passed = conditions.map(() => new Set<string>());
  const hints = new ChangeWaiter(context.store, foldersOf(context, conditions));
  const isForMail = conditions.some(({ event }) => event === "message" || event === "reply");
  const stop = () => hints.end();
  options.signal?.addEventListener("abort", stop);
  const lasting = <T>(run: () => Promise<T>) => hints.throughOutages(run, until);
  let on: string | undefined;
  let noteDue = isForMail ? 0 : Infinity;
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      if (isForMail) await lasting(() => scanForForeign(context, "due"));
      const standings = await lasting(() => stillOpen(context, conditions, outcomes, passed));
      if (isOver(any, outcomes)) return { outcome: outcomes.filter((outcome) => outcome !== undefined) };
      if (await lasting(() => hasLeft(context))) throw hasEnded(`wait for ${what}`, context.session);
      const others = waitedOn(standings, any);
      if (context.agent !== "human" && others.includes(context.session))
        throw await circleError(context, what, [{ session: context.session, for: what }]);
      if (others.join() !== (on ?? "")) {
        const found = await lasting(() => addWaitEdge(context, id, others, what));
        if (found) throw await circleError(context, what, found);
        on = others.join();
      }
      const left = until - steady();
      if (left <= 0) throw tooLate(what, timeout);
      const expiry = Math.min(...standings.map((standing) => (standing.at ?? Infinity) - context.now() + 1));
      const isEnding = conditions.some(({ event }) => event === "ended" || event === "released");
      const foreign = isForMail ? await lasting(() => scanInterval(context)) : Infinity;
      if (steady() > noteDue) {
        await lasting(() => noteLook(context, "watch"));
        noteDue = steady() + NOTE_EVERY_MS;
      }
      await hints.next(Math.min(left, expiry, foreign, isEnding ? PID_POLL_MS : Infinity));
    }
  } catch (error) {
    options.signal?.throwIfAborted(); // also in an outage
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", stop);
    stop();
    const leave = () =>
      changeClaims(context, (claims, facts) => ({ claims: leaveQueue(claims, id, facts), result: 0 }));
    if (on) await leave().catch(unlessAway); // the server takes it for over in time
    if (isForMail && noteDue > 0) await asFarAsPossible(() => endWatch(context, false)).catch(unlessAway);
  }
}

/** How the conditions stand that have not come true; notes in `outcomes` what has. */
async function stillOpen(
  context: Context,
  conditions: readonly Condition[],
  outcomes: (string | undefined)[],
  passed: readonly Set<string>[],
): Promise<ConditionState[]> {
  const standings: ConditionState[] = [];
  for (const [index, condition] of conditions.entries()) {
    if (outcomes[index] !== undefined) continue;
    const standing = await conditionState(context, condition, passed[index]);
    outcomes[index] = standing.outcome;
    if (standing.outcome === undefined) standings.push(standing);
  }
  return standings;
}

/** The sessions without which the wait cannot come true; with `any`, those that every condition needs. */
function waitedOn(standings: readonly ConditionState[], any: boolean): string[] {
  const [first = { on: [] }, ...rest] = standings;
  const all = new Set(standings.flatMap((standing) => standing.on));
  const common = first.on.filter((session) => rest.every(({ on }) => on.includes(session)));
  return (any ? common : [...all]).sort();
}

/** Writes this session's wait edge. If the edge would close a deadlock, writes none and returns the steps. */
function addWaitEdge(
  context: Context,
  id: string,
  on: readonly string[],
  what: string,
): Promise<DeadlockStep[] | undefined> {
  const { pid, started, place } = thisProcess();
  const edge = {
    ...{ id, session_id: context.session, on, for: what, pid, place },
    ...(started === undefined ? {} : { pid_started: started }),
  };
  return changeClaims(context, (claims) => {
    const edges = claims.edges.filter((other) => other.id !== id);
    const found = deadlock({ ...claims, edges }, context.session, on, what);
    const next = found || on.length === 0 ? edges : [...edges, edge];
    const isSame = next.length === 0 && claims.edges.length === 0;
    return { claims: isSame ? claims : { ...claims, edges: next }, result: found };
  });
}

/** Returns at once; a message tells the outcome, even if this process is gone by then. */
export async function subscribe(context: Context, wished: WaitFor, options: WaitOptions = {}): Promise<Wait> {
  const conditions = await conditionsOf(context, wished, options);
  const timeout = checkTimeout(options.timeoutMs ?? WAIT_TIMEOUT_MS.subscribed);
  await ensureRegistered(context);
  const pending = (await waits(context)).filter(({ session_id }) => session_id === context.session);
  if (pending.length >= MAX_WAITS) throw tooMany(pending.length);
  const now = context.now();
  const wait: Wait = {
    id: newId("wait", now),
    session_id: context.session,
    agent_id: context.agent,
    conditions,
    any: options.any ?? false,
    state: "pending",
    created_at: iso(now),
    expires_at: iso(now + timeout),
  };
  const standings: ConditionState[] = [];
  for (const condition of conditions) standings.push(await conditionState(context, condition));
  const outcomes = standings.map((standing) => standing.outcome);
  if (isOver(wait.any, outcomes)) {
    const outcome = outcomes.filter((one) => one !== undefined);
    const over: Wait = { ...wait, state: "satisfied", ended_at: iso(now), outcome };
    await context.store.create(`waits/${wait.id}`, over);
    return over;
  }
  await createWait(context, { ...wait, ...metOf(outcomes) });
  await context.settle(); // it may have come true before anyone could see that we wait
  return (await readWait(context, wait.id)) ?? wait;
}

/** A wait that was subscribed to, by its id or a unique beginning or end of it, and what became of it. Throws `not_found`. */
export async function waitOf(context: Context, id: string): Promise<Wait> {
  await context.settle();
  const known = isSegment(id) ? await readWait(context, id) : undefined;
  const whole = known ? id : onlyOne(await namesWith(context.store, "waits", id), id, "wait");
  const wait = known ?? (whole === undefined ? undefined : await readWait(context, whole));
  if (wait) return wait;
  throw new RelayError("not_found", `Cannot find the wait ${jsonText(id)}`, { next: "agent-relay wait --list" });
}

/** Every session's waits by `subscribe` that are not over, the oldest first. */
export async function waits(context: Context): Promise<Wait[]> {
  await context.settle();
  const found: Wait[] = [];
  const ids = await context.store.marks(PENDING);
  for await (const [, wait] of eachReadable(context.store, ids, (id) => readWait(context, id)))
    if (wait?.state === "pending") found.push(wait);
  return found;
}

/** Ends a wait of this session without a message. Throws `not_found`, `refused` for another's. */
export async function cancelWait(context: Context, id: string): Promise<Wait> {
  const wait = await waitOf(context, id);
  if (wait.session_id !== context.session) {
    const who = (await callsOf(context, [wait.session_id]))(wait.session_id);
    throw new RelayError("refused", `Cannot cancel "${wait.id}": it is ${who} who waits, not you`);
  }
  const ended = await endWait(context, wait.id, "cancelled", []);
  await context.store.unmark(`${PENDING}/${wait.id}`);
  return ended;
}

function foldersOf({ session }: Context, conditions: readonly Condition[]): string[] {
  const folders: Readonly<Record<Condition["event"], string>> = {
    released: "claims",
    ended: "agents",
    message: `inboxes/${session}`,
    reply: `inboxes/${session}`,
    task: "tasks",
    answer: "messages",
  };
  return [...new Set(conditions.map(({ event }) => folders[event]))];
}

async function conditionsOf(
  context: Context,
  wished: WaitFor,
  { cwd, any = false, thisWorktreeOnly: apart }: WaitOptions,
): Promise<Condition[]> {
  const base = whence(context, { cwd, thisWorktreeOnly: apart });
  const paths = (wished.released ?? []).flatMap((typed) => pathTargets(typed, base));
  const resources = (wished.resources ?? []).map((resource) => ({ resource: checkSegment(resource, "resource") }));
  const targets = [...paths, ...resources];
  const groups = any ? targets.map((one) => [one]) : targets.length === 0 ? [] : [targets];
  const conditions: Condition[] = groups.map((targets) => ({ event: "released", targets }));
  for (const word of wished.ended ?? []) conditions.push(await endOf(context, await known(context, word)));
  if (wished.message || wished.from !== undefined || wished.kind !== undefined)
    conditions.push({
      event: "message",
      ...(wished.from === undefined ? {} : { session: await known(context, wished.from) }),
      ...(wished.kind === undefined ? {} : { kind: wished.kind }),
    });
  for (const id of wished.replyTo ?? []) conditions.push({ event: "reply", id: await askedBy(context, id) });
  for (const word of wished.taskDone ?? []) conditions.push({ event: "task", id: (await taskOf(context, word)).id });
  if (conditions.length > MAX_CONDITIONS)
    throw new RelayError("limit", `Cannot wait for more than ${MAX_CONDITIONS} things at once`, {
      next: "wait for the folder they are in, or in turn",
    });
  if (conditions.length > 0) return conditions;
  throw new RelayError("usage", "Cannot wait for nothing: say what for", {
    next: "agent-relay wait --message, or --released, --ended, --reply-to, --task-done",
  });
}

/** The whole id of a question. Throws `usage` for one that this session is to answer itself. */
async function askedBy(context: Context, part: string): Promise<string> {
  const { id, to_session, from_session } = await messageFor(context, part);
  if (to_session !== context.session || from_session === context.session) return id;
  throw new RelayError("usage", `Cannot wait for an answer to "${shortId(id)}": it was sent to you`, {
    next: `agent-relay reply ${shortId(id)} "..."`,
  });
}

async function endOf({ store }: Context, session: string): Promise<Condition> {
  const { pid = 0, pid_started, place } = (await readAgent(store, "agents", session)) ?? {};
  const process = {
    pid,
    ...(pid_started === undefined ? {} : { pid_started }),
    ...(place === undefined ? {} : { place }),
  };
  return { event: "ended", session, ...(pid === 0 ? {} : process) };
}

async function known(context: Context, word: string): Promise<string> {
  return (await readAgent(context.store, "archive/agents", word)) ? word : sessionOf(context, word);
}

function tooMany(count: number): RelayError {
  return new RelayError("limit", `Cannot subscribe to more: ${count} waits of yours are not over`, {
    next: "agent-relay wait --list, then --cancel what you do not need",
  });
}

function tooLate(what: string, timeout: number): RelayError {
  return new RelayError(
    "timed_out",
    `Cannot wait any longer for ${withShortIds(what)}: it did not happen in ${formatDuration(timeout)}`,
    {
      next: "the same again, or with --subscribe: then a message tells of it",
    },
  );
}
