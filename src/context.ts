import { RelayError } from "./errors.ts";
import type { Notice, Store } from "./store/store.ts";

/** Limits on the messages of a session. */
export interface Limits extends LoopLimits {
  /** Bytes of UTF-8 in one message; default 64 KiB. */
  readonly bodyBytes: number;
  /** Messages a minute from one session; default 600. */
  readonly perMinute: number;
}
/** All limits that a program may set. */
export interface MessageLimits extends Limits {
  /** The most unread messages of one inbox; default 50,000. */
  readonly inboxUnread: number;
}
export const LIMITS: Limits = { bodyBytes: 64 * 1024, perMinute: 600, freeHops: 20, mostHops: 40 };

/** What a registration says beyond the session and the tool. */
export interface RegisterOptions {
  /** Short handle, unique in the project; default a readable one such as `claude-brave-otter`. */
  readonly name?: string | undefined;
  /** What it is for: others reach it as `role:<role>`. */
  readonly role?: string | undefined;
  /** The pid of the agent's own process, by which others see that the agent is gone; 0 if not known. */
  readonly pid?: number | undefined;
  /** What it says of itself, at most 16 KiB of JSON. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** The folder it works in. */
  readonly cwd?: string | undefined;
}

/** What this process knows of the times (Unix ms) of this session's sends; messages/rate-limit.ts keeps them. */
export interface Pace {
  /** The logical time of the last message. */
  sent: number | undefined;
  /** When the spent allowance is whole again. */
  spent: number;
  /** When the times were last saved for the session's other processes. */
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
  /** It is the person at the keyboard, whose files these are, and who may read every message. */
  readonly isPerson: boolean;
  /** The agent that runs this process, where the acting session is another's, or a person's. */
  readonly via?: string | undefined;
  readonly pace: Pace;
  /** Decides the waits that are over and tells their waiters. Most often nobody waits. */
  readonly settle: () => Promise<void>;
  /** Lists in this session's inbox the messages it has missed; `isNew` if it was not registered before. */
  readonly catchUp: (isNew: boolean, name: string | undefined) => Promise<void>;
  /** Tells every session what has befallen the relay; once for each `what`. */
  readonly announce: (what: string, text: string) => Promise<void>;
  /** Session -> when (Unix ms) this process last saw it registered, or marked its own sign of life; fresh for 1 s. */
  readonly seen: Map<string, number>;
}

const SEEN_FRESH_MS = 1000;

/** Whether this process saw a session's registration within the last second, so that it need not look again. */
export function isSeenLately({ seen, now }: Context, session: string): boolean {
  const at = seen.get(session);
  return at !== undefined && Math.abs(now() - at) < SEEN_FRESH_MS;
}

/**
 * Runs a write that only later scans need. Where the disk refuses it or is full, the caller goes on without it. Returns
 * whether it was done.
 */
export async function asFarAsPossible(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (!(error instanceof RelayError) || !["refused", "limit"].includes(error.code)) throw error;
    return false;
  }
}

/** How long a session may be silent before its presence changes, in ms. */
export interface Thresholds {
  /** A session seen more recently than this is active. Default 15 minutes. */
  readonly activeMs: number;
  /** A session silent for longer than this is gone, if its process cannot be seen. Default 2 hours. */
  readonly silentMs: number;
}
export const THRESHOLDS: Thresholds = { activeMs: 15 * 60_000, silentMs: 2 * 3_600_000 };

export interface LoopLimits {
  /** How many answers in a row are sent without a pause; default 20. Each further one waits a little longer. */
  readonly freeHops: number;
  /** The first answer in a row that is refused; default 40. */
  readonly mostHops: number;
}

export interface RelayOptions extends RegisterOptions {
  /** The session that acts: 1 to 120 of `A-Z a-z 0-9 . _ -`. Methods that act for one throw `usage` without it. */
  readonly session?: string | undefined;
  /** Which tool it is: `claude`, `codex`, `gemini`, `human`, ... Default `agent`. */
  readonly agent?: string | undefined;
  /** The person at the keyboard, who may read every message; default: where there is no `session`. */
  readonly isPerson?: boolean | undefined;
  /** The agent that runs this process, where `agent` is another, or `human`: messages say so. */
  readonly via?: string | undefined;
  /** `power` (default): a write that returned outlives a power cut. `process`: it outlives a crash of this process. */
  readonly durability?: "power" | "process" | undefined;
  /** Limits in place of the usual ones. */
  readonly limits?: Partial<MessageLimits> | undefined;
  /** How long a session may be silent before it counts as idle or gone. */
  readonly thresholds?: Partial<Thresholds> | undefined;
  /** Folders of other users that may be used as a relay all the same. */
  readonly trusted?: readonly string[] | undefined;
  /** Another store in place of files in `dir`. */
  readonly store?: Store | undefined;
  /** The clock (Unix ms). */
  readonly now?: (() => number) | undefined;
  /** Called for each problem that the store met and dealt with, such as a file that it set aside. */
  readonly onNotice?: ((notice: Notice) => void) | undefined;
}
