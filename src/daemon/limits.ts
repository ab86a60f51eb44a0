import { flag, type Infer, integer, list, moment, object, optional, text } from "../schema.ts";
import { dayOf, iso } from "../time.ts";

/** The record of a session's daemon, as it is on disk. */
export const DaemonRecord = object(
  {
    session_id: text(),
    command: list(text()),
    pid: integer(),
    pid_started: optional(integer()),
    place: text(),
    started_at: moment(),
    /** `yyyy-mm-dd`, and how often the command was started on that day. */
    day: text(),
    runs: integer(),
    /** The last run: when it began, how long it took, and how it ended. */
    last_at: optional(moment()),
    last_took_ms: optional(integer()),
    last_code: optional(integer()),
    last_was_cut: optional(flag()),
    /** The current run's pid, and when that process started (in the system's own unit). */
    child_pid: optional(integer()),
    child_started: optional(integer()),
  },
  { last_took: "last_took_ms" },
);
export type DaemonRecord = Infer<typeof DaemonRecord>;

export interface DaemonLimits {
  /** ms between the end of a run and the next. */
  readonly coolDown: number;
  /** Runs a day. */
  readonly daily: number;
  /** ms that a run may take. */
  readonly timeLimit: number;
  /** ms that new mail has to be read without a run. */
  readonly settle: number;
}

export const DAEMON_LIMITS: DaemonLimits = { coolDown: 60_000, daily: 50, timeLimit: 30 * 60_000, settle: 0 };

/** Whether to start the command now. If not: why, and how long that holds at least (ms). */
export type RunDecision =
  | { readonly isGo: true }
  | { readonly isGo: false; readonly why: string; readonly wait: number };

export interface MailState {
  readonly fresh: number;
  readonly since: number | undefined;
  readonly isStopped: boolean;
  readonly now: number;
}

const SCAN_EVERY_MS = 60_000; // the longest that a change which wakes nobody may go unseen

/** `fresh`: the waiting messages without a run, `since` when (Unix ms). `isStopped`: the kill switch is set. */
export function decideRun(
  record: DaemonRecord,
  limits: DaemonLimits,
  { fresh, since, isStopped, now }: MailState,
): RunDecision {
  if (fresh === 0) return { isGo: false, why: "nothing new waits", wait: SCAN_EVERY_MS };
  if (isStopped) return { isGo: false, why: "the kill switch is set", wait: 1000 };
  if (record.day === dayOf(now) && record.runs >= limits.daily)
    return { isGo: false, why: `it ran ${record.runs} times today`, wait: SCAN_EVERY_MS };
  const early = (since ?? now) + limits.settle - now;
  if (early > 0) return { isGo: false, why: "it came just now", wait: early };
  const ended = Date.parse(record.last_at ?? "") + (record.last_took_ms ?? 0);
  const rest = ended + limits.coolDown - now; // NaN before the first run
  return rest > 0 ? { isGo: false, why: "it ran just now", wait: rest } : { isGo: true };
}

/** The record as a run begins. */
export function asBegun(record: DaemonRecord, now: number): DaemonRecord {
  const day = dayOf(now);
  const { last_took_ms: _, last_code: __, last_was_cut: ___, child_pid: ____, child_started: _____, ...rest } = record;
  return { ...rest, day, runs: record.day === day ? record.runs + 1 : 1, last_at: iso(now) };
}
