import { endWatch, NOTE_EVERY_MS, noteLook } from "../agents/hearing.ts";
import { RelayError, unlessAway } from "../errors.ts";
import { liveness, startOf, thisProcess } from "../machine/process.ts";
import type { Message } from "../messages/message.ts";
import type { Relay } from "../relay.ts";
import { ChangeWaiter } from "../store/changes.ts";
import { parsedOrSkipped } from "../store/read.ts";
import type { Store } from "../store/store.ts";
import { dayOf, iso, sleep } from "../time.ts";
import { asBegun, type DaemonLimits, DaemonRecord, decideRun } from "./limits.ts";

/** How a run ended. */
export interface RunResult {
  /** The exit code; 128 and more for a signal. */
  readonly code: number;
  /** The run took too long, and was killed. */
  readonly wasCut: boolean;
}

/** A daemon's outside world. */
export interface DaemonDeps {
  readonly relay: Relay;
  readonly store: Store;
  readonly now: () => number;
  /** Starts the command and waits for its end. `onStart` is called with its pid. Rejects if it cannot be started. */
  readonly start: (command: readonly string[], run: RunOptions) => Promise<RunResult>;
  /** Ends a run that an earlier daemon has left behind, with all that it started. */
  readonly end: (pid: number) => void;
  readonly log: (line: string) => void;
}

export interface RunOptions {
  /** ms; a run that takes longer is ended. */
  readonly timeLimit: number;
  readonly signal: AbortSignal;
  readonly onStart: (pid: number) => Promise<void>;
}

/** What a daemon watches for, and what it does then. */
export interface WatchRule {
  readonly command: readonly string[];
  readonly limits: DaemonLimits;
  /** The command is the session's agent: while no other process is, the session lives as long as the daemon. */
  readonly isAgent: boolean;
  /** The daemon ends after the first run. */
  readonly isOnce: boolean;
  readonly isMeant: (message: Message) => boolean;
  /** The messages that the command was started for. They start it no more. */
  readonly known: SeenMessages;
}

export interface SeenMessages {
  ids(): Promise<ReadonlySet<string>>;
  add(ids: readonly string[]): Promise<void>;
}

/** Messages known while this process lives. A new process starts the command again for messages that still wait. */
export function seenInMemory(): SeenMessages {
  const known = new Set<string>();
  return {
    ids: async () => known,
    async add(ids) {
      for (const id of ids) known.add(id);
    },
  };
}

const SIGN_EVERY_MS = 30_000;
const MAX_SILENCE_MS = 3 * SIGN_EVERY_MS;
const RUN_POLL_MS = 500;

/** The mark whose time is a daemon's last sign of life. */
function aliveMark(session: string): string {
  return `daemons/${session}.alive`;
}

/** While this mark is there, no daemon of the project starts anything: `.relay/STOP`. */
export const KILL_SWITCH = "STOP";

/**
 * Starts a command whenever mail comes for this session, one run at a time, until `signal` aborts. Throws `conflict` if
 * the session has a daemon.
 */
export async function runDaemon(deps: DaemonDeps, watch: WatchRule, signal: AbortSignal): Promise<void> {
  const { relay, store, now, log } = deps;
  const { command, limits, known } = watch;
  const session = relay.session ?? "";
  const key = `daemons/${session}`;
  let record = await becomeDaemon(deps, key, session, command);
  const change = async (next: DaemonRecord) => {
    record = DaemonRecord.parse(await lasting(() => store.update(key, () => next)), key);
  };
  const watcher = { store, session, now };
  let noted = now();
  const live = async () => {
    await store.mark(aliveMark(session), now());
    if (now() < noted + NOTE_EVERY_MS) return;
    noted = now();
    await noteLook(watcher, "watch");
  };
  const sign = setInterval(() => void live().catch(() => {}), SIGN_EVERY_MS); // retried
  const hints = new ChangeWaiter(store, [`inboxes/${session}`]);
  const stop = () => hints.end();
  const lasting = <T>(run: () => Promise<T>) => hints.throughOutages(run);
  signal.addEventListener("abort", stop);
  let said = "";
  let since: number | undefined;
  try {
    if (watch.isAgent) await lasting(() => registerInstead(deps));
    await waitForOrphanRun(deps, record, limits, signal);
    await lasting(() => noteLook(watcher, "watch"));
    log(`watches the inbox of ${session}: ${command.join(" ")}`);
    while (!signal.aborted) {
      const before = await lasting(() => known.ids());
      const ids = (await lasting(() => relay.messages.unread())).messages.filter(watch.isMeant).map(({ id }) => id);
      const fresh = ids.filter((id) => !before.has(id)).length;
      since = fresh === 0 ? undefined : (since ?? now());
      const isStopped = (await lasting(() => store.markedAt(KILL_SWITCH))) !== undefined;
      const judged = decideRun(record, limits, { fresh, since, isStopped, now: now() });
      if (!judged.isGo) {
        if (fresh > 0 && judged.why !== said) log(`${fresh} new messages wait, but ${judged.why}`);
        said = judged.why;
        await hints.next(judged.wait);
        continue;
      }
      said = "";
      since = undefined;
      await lasting(() => known.add(ids));
      await change(asBegun(record, now()));
      log(`starts, for ${fresh} new messages (run ${record.runs} of ${limits.daily} today)`);
      const onStart = (pid: number) => {
        const begun = startOf(pid);
        return change({ ...record, child_pid: pid, ...(begun === undefined ? {} : { child_started: begun }) });
      };
      const ended = await startOrFail(deps, command, { timeLimit: limits.timeLimit, signal, onStart });
      const took = now() - Date.parse(record.last_at ?? iso(now()));
      const { child_pid: _, child_started: __, ...rest } = record;
      await change({ ...rest, last_took_ms: took, last_code: ended.code, ...(ended.wasCut && { last_was_cut: true }) });
      log(`ended with ${ended.code} after ${Math.round(took / 1000)} s${ended.wasCut ? ", which was too long" : ""}`);
      if (watch.isOnce) return;
      if (watch.isAgent) await lasting(() => registerInstead(deps)); // its own hooks may have said that the session is over
    }
    signal.throwIfAborted();
  } catch (error) {
    signal.throwIfAborted(); // also in an outage
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    clearInterval(sign);
    stop();
    const over = () => store.update(key, (value) => (value?.pid === thisProcess().pid ? { ...value, pid: 0 } : value));
    await over().catch(unlessAway); // a daemon without a sign of life is taken for over
    await endWatch(watcher, false).catch(unlessAway);
    log("ends");
  }
}

const NOT_FOUND = 127; // a shell's exit code for an unknown command

/** A command that cannot be started counts as a failed run: it may be installed before the next run. */
async function startOrFail(deps: DaemonDeps, command: readonly string[], run: RunOptions): Promise<RunResult> {
  try {
    return await deps.start(command, run);
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    deps.log(error.message);
    return { code: NOT_FOUND, wasCut: false };
  }
}

/** Waits for a run that a killed daemon left behind: one run at a time. Ends that run when its time is over. */
async function waitForOrphanRun(
  { now, log, end }: DaemonDeps,
  record: DaemonRecord,
  limits: DaemonLimits,
  signal: AbortSignal,
) {
  const { child_pid: pid = 0, child_started: started, place } = record;
  const isThere = () => pid > 0 && liveness({ pid, started, place }) === "alive";
  if (isThere()) log(`waits for the run of the daemon before (pid ${pid})`);
  while (isThere() && !signal.aborted) {
    if (now() > (Date.parse(record.last_at ?? "") || 0) + limits.timeLimit) end(pid);
    await sleep(RUN_POLL_MS);
  }
}

/** Registers the session with this process, unless the session lives by another process. */
async function registerInstead({ relay }: DaemonDeps): Promise<void> {
  const session = (await relay.agents.list()).find((agent) => agent.session_id === relay.session);
  const livesElsewhere = session !== undefined && session.pid > 0 && session.presence !== "gone";
  if (!livesElsewhere) await relay.agents.register({ pid: thisProcess().pid });
}

/** Makes this process the session's daemon; today's count of runs goes on. Throws `conflict` if another one runs. */
async function becomeDaemon(
  { store, now }: DaemonDeps,
  key: string,
  session: string,
  command: readonly string[],
): Promise<DaemonRecord> {
  const { pid, started, place } = thisProcess();
  const mine = {
    session_id: session,
    command,
    pid,
    ...(started === undefined ? {} : { pid_started: started }),
    place,
    started_at: iso(now()),
  };
  const seen = await store.markedAt(aliveMark(session));
  const value = await store.update(key, (current) => {
    const before = current && DaemonRecord.parse(current, key);
    if (before && before.pid !== pid && isRunning(before, seen, now()))
      throw new RelayError("conflict", `Cannot watch the inbox of ${session}: pid ${before.pid} does already`, {
        next: "agent-relay daemon status",
      });
    const { child_pid: _, child_started: __, ...childless } = before ?? {};
    const kept = before?.place === place ? before : childless; // of another boot: that pid is somebody else's now
    return { ...kept, ...mine, day: before?.day ?? dayOf(now()), runs: before?.runs ?? 0 };
  });
  await store.mark(aliveMark(session), now());
  return DaemonRecord.parse(value, key);
}

/**
 * Whether a daemon runs; `seen` is its last sign of life (Unix ms). That sign decides if the process cannot be seen:
 * it is another machine's, or the machine was started anew.
 */
function isRunning({ pid, pid_started: started, place }: DaemonRecord, seen = 0, now = 0): boolean {
  if (pid <= 0) return false;
  const life = liveness({ pid, started, place });
  return life === "unknown" ? now - seen < MAX_SILENCE_MS : life === "alive";
}

/** The records of all daemons, and whether each runs. */
export async function daemons(store: Store, now: number): Promise<(DaemonRecord & { readonly is_running: boolean })[]> {
  const found: (DaemonRecord & { readonly is_running: boolean })[] = [];
  for (const session of await store.list("daemons")) {
    const record = await parsedOrSkipped(store, `daemons/${session}`, DaemonRecord);
    if (!record) continue;
    found.push({ ...record, is_running: isRunning(record, await store.markedAt(aliveMark(session)), now) });
  }
  return found;
}
