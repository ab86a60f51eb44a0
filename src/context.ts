import { RelayError } from "./errors.ts";
import type { Notice, Store } from "./store/store.ts";

/** How much is allowed. */
export interface Limits extends LoopLimits {
  /** Bytes of UTF-8 in one message; default 64 KiB. */
  readonly bodyBytes: number;
  /** Messages a minute from one session; default 600. */
  readonly perMinute: number;
}
export const LIMITS: Limits = { bodyBytes: 64 * 1024, perMinute: 600, freeHops: 20, mostHops: 40 };

/** What a registration says beyond the session and the tool. */
export interface RegisterOptions {
  /** Short handle, unique in the project; default a readable one such as `claude-brave-otter`. */
  readonly name?: string | undefined;
  readonly role?: string | undefined;
  /** The agent's own process, which tells when it is gone; 0 if not known. */
  readonly pid?: number | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** The folder it works in. */
  readonly cwd?: string | undefined;
}

/** What this process knows of the times of its session's sends (Unix ms); messages/rate-limit.ts keeps them. */
export interface Pace {
  /** The logical time of the last message. */
  sent: number | undefined;
  /** When the spent allowance is whole again. */
  spent: number;
  /** When other processes were last told. */
  savedAt: number | undefined;
}

/** Who acts, where, and by which clock. */
export interface Context {
  readonly store: Store;
  /** The folder that the relay lies in. */
  readonly project: string;
  readonly session: string;
  readonly agent: string;
  readonly now: () => number;
  readonly limits: Limits;
  readonly thresholds: Thresholds;
  readonly registration: RegisterOptions;
  readonly pace: Pace;
  /** Tells those whose wait is over. What it finds most often is that nobody waits. */
  readonly settle: () => Promise<void>;
  /** Lists in this session's inbox what it has missed; `isNew` if it was not registered before. */
  readonly catchUp: (isNew: boolean) => Promise<void>;
  /** When this process last saw that a session is known, its own with a sign of life (Unix ms): once a second will do. */
  readonly seen: Map<string, number>;
}

const SEEN_FRESH_MS = 1000; // ms

/** Whether this process has looked for a session so lately that it need not look again. */
export function isSeenLately({ seen, now }: Context, session: string): boolean {
  const at = seen.get(session);
  return at !== undefined && Math.abs(now() - at) < SEEN_FRESH_MS;
}

/** Runs what a look does for later ones only: where this disk cannot take it now, the look goes on without. */
export async function asFarAsPossible(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof RelayError) || !["refused", "limit"].includes(error.code)) throw error;
  }
}

/** How long silence means what, in ms. */
export interface Thresholds {
  /** Seen more recently than this: active. Default 15 minutes. */
  readonly active: number;
  /** Silent longer than this, where its process cannot be seen: gone. Default 2 hours. */
  readonly silent: number;
}
export const THRESHOLDS: Thresholds = { active: 15 * 60_000, silent: 2 * 3_600_000 };

export interface LoopLimits {
  /** Answers in a row that cost nothing; default 20. Each further one waits a little longer. */
  readonly freeHops: number;
  /** The first answer in a row that is not sent any more; default 40. */
  readonly mostHops: number;
}

export interface RelayOptions extends RegisterOptions {
  /** The session that acts: 1 to 120 of `A-Z a-z 0-9 . _ -`. Methods that act for one throw `usage` without it. */
  readonly session?: string | undefined;
  /** Which tool it is: `claude`, `codex`, `gemini`, `human`, ... Default `agent`. */
  readonly agent?: string | undefined;
  /** `power` (default): what a method that returned has written outlives a power cut. `process`: a crash of this process. */
  readonly durability?: "power" | "process" | undefined;
  readonly limits?: Partial<Limits & { inboxUnread: number }> | undefined;
  readonly thresholds?: Partial<Thresholds> | undefined;
  /** Folders of other users that may be used as a relay all the same. */
  readonly trusted?: readonly string[] | undefined;
  /** Another store in place of files in `dir`. */
  readonly store?: Store | undefined;
  /** The clock (Unix ms). */
  readonly now?: (() => number) | undefined;
  /** Told of what was met and dealt with, such as a file that was set aside. */
  readonly onNotice?: ((notice: Notice) => void) | undefined;
}
