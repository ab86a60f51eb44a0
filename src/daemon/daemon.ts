import { RelayError } from "../errors.ts";
import { Hints } from "../hints.ts";
import type { Message } from "../message.ts";
import { liveness, thisProcess } from "../place.ts";
import type { Relay } from "../relay.ts";
import type { Store } from "../store/store.ts";
import { begun, type DaemonLimits, DaemonRecord, dayOf, verdict } from "./rules.ts";

/** How a run ended. */
export interface Ended {
  /** The exit code; 128 and more for a signal. */
  readonly code: number;
  /** It took too long, and was killed. */
  readonly wasCut: boolean;
}

/** What a daemon does things with. */
export interface Hands {
  readonly relay: Relay;
  readonly store: Store;
  readonly now: () => number;
  /** Starts the command and waits for its end, for `timeLimit` ms at most. */
  readonly start: (command: readonly string[], timeLimit: number, signal: AbortSignal) => Promise<Ended>;
  readonly log: (line: string) => void;
}

/** What a daemon watches for, and what it does then. */
export interface Watch {
  readonly command: readonly string[];
  readonly limits: DaemonLimits;
  /** What it starts is the session's agent: while nobody else is, the session lives as long as the daemon. */
  readonly isAgent: boolean;
  /** It ends after the first run. */
  readonly isOnce: boolean;
  readonly isMeant: (message: Message) => boolean;
  /** What it was started for before, which starts it no more. */
  readonly known: Known;
}

export interface Known {
  ids(): Promise<ReadonlySet<string>>;
  add(ids: readonly string[]): Promise<void>;
}

/** Known for as long as the process lives: whoever is started anew starts the command for what still waits. */
export function knownHere(): Known {
  const known = new Set<string>();
  return {
    ids: async () => known,
    async add(ids) {
      for (const id of ids) known.add(id);
    },
  };
}

/** While this mark is there, no daemon of the project starts anything: `.relay/STOP`. */
export const KILL_SWITCH = "STOP";

/**
 * Starts a command whenever mail comes for this session, one run at a time, until `signal` aborts. Throws `conflict` if the
 * session has a daemon.
 */
export async function runDaemon(hands: Hands, watch: Watch, signal: AbortSignal): Promise<void> {
  const { relay, store, now, log } = hands;
  const { command, limits, known } = watch;
  const session = relay.session ?? "";
  const key = `daemons/${session}`;
  let record = await takePlace(hands, key, session, command);
  if (watch.isAgent) await standIn(hands);
  const change = async (next: DaemonRecord) => {
    record = DaemonRecord.parse(await store.update(key, () => next), key);
  };
  const hints = new Hints(store, [`inboxes/${session}`]);
  const stop = () => hints.end();
  signal.addEventListener("abort", stop);
  let said = "";
  let since: number | undefined;
  try {
    log(`watches the inbox of ${session}: ${command.join(" ")}`);
    while (!signal.aborted) {
      const before = await known.ids();
      const ids = (await relay.unread()).filter(watch.isMeant).map(({ id }) => id);
      const fresh = ids.filter((id) => !before.has(id)).length;
      since = fresh === 0 ? undefined : (since ?? now());
      const isStopped = (await store.markedAt(KILL_SWITCH)) !== undefined;
      const judged = verdict(record, limits, { fresh, since, isStopped, now: now() });
      if (!judged.isGo) {
        if (fresh > 0 && judged.why !== said) log(`${fresh} new messages wait, but ${judged.why}`);
        said = judged.why;
        await hints.next(judged.wait);
        continue;
      }
      said = "";
      since = undefined;
      await known.add(ids);
      await change(begun(record, now()));
      log(`starts, for ${fresh} new messages (run ${record.runs} of ${limits.daily} today)`);
      const ended = await hands.start(command, limits.timeLimit, signal);
      const took = now() - (record.last_at ?? now());
      await change({ ...record, last_took: took, last_code: ended.code, ...(ended.wasCut && { last_was_cut: true }) });
      log(`ended with ${ended.code} after ${Math.round(took / 1000)} s${ended.wasCut ? ", which was too long" : ""}`);
      if (watch.isOnce) return;
      if (watch.isAgent) await standIn(hands); // its own hooks may have said that the session is over
    }
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
    await store.update(key, (value) => (value?.pid === thisProcess().pid ? { ...value, pid: 0 } : value));
    log("ends");
  }
}

/** Says that the session lives, unless it does so without us. */
async function standIn({ relay }: Hands): Promise<void> {
  const session = (await relay.agents()).find((agent) => agent.session_id === relay.session);
  const livesElsewhere = session !== undefined && session.pid > 0 && session.presence !== "gone";
  if (!livesElsewhere) await relay.register({ pid: thisProcess().pid });
}

/** One daemon a session; what it counted today goes on. */
async function takePlace(
  { store, now }: Hands,
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
    started_at: now(),
  };
  const value = await store.update(key, (current) => {
    const before = current && DaemonRecord.parse(current, key);
    if (before && before.pid !== pid && isRunning(before))
      throw new RelayError("conflict", `Cannot watch the inbox of ${session}: pid ${before.pid} does already`, {
        next: "agent-relay daemon status",
      });
    return { ...before, ...mine, day: before?.day ?? dayOf(now()), runs: before?.runs ?? 0 };
  });
  return DaemonRecord.parse(value, key);
}

export function isRunning({ pid, pid_started: started, place }: DaemonRecord): boolean {
  return pid > 0 && liveness({ pid, started, place }) !== "dead";
}

/** Every daemon there was, by session. */
export async function daemons(store: Store): Promise<DaemonRecord[]> {
  const found: DaemonRecord[] = [];
  for (const session of await store.list("daemons")) {
    const value = await store.get(`daemons/${session}`);
    if (value) found.push(DaemonRecord.parse(value, session));
  }
  return found;
}
