import { Agent, type Thresholds } from "./agent.ts";
import { RelayError } from "./errors.ts";
import type { LoopLimits } from "./loop-guard.ts";
import { Message } from "./message.ts";
import type { Pace } from "./pace.ts";
import { object } from "./schema.ts";
import { isSegment } from "./store/key.ts";
import type { Store, Value } from "./store/store.ts";

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
  /** When this process last saw that a session is known, its own with a sign of life (Unix ms): once a second will do. */
  readonly seen: Map<string, number>;
}

const SEEN_LATELY = 1000; // ms

/** Whether this process has looked for a session so lately that it need not look again. */
export function isSeenLately({ seen, now }: Context, session: string): boolean {
  const at = seen.get(session);
  return at !== undefined && Math.abs(now() - at) < SEEN_LATELY;
}

/** The record `value` read as its noun, or set aside if it is not one. Throws `corrupt`. */
export async function parsed<T>(
  store: Store,
  key: string,
  schema: { parse(v: unknown, where: string): T },
): Promise<T | undefined> {
  const value = await store.get(key);
  if (value === undefined) return undefined;
  try {
    return schema.parse(value, key);
  } catch (error) {
    if (error instanceof RelayError && error.code === "corrupt") await store.quarantine(key, error.message);
    throw error;
  }
}

/** `parsed` for one of many: a record that cannot be read is set aside, which tells of it, and is passed over. */
export async function parsedOrSkipped<T>(
  store: Store,
  key: string,
  schema: { parse(v: unknown, where: string): T },
): Promise<T | undefined> {
  try {
    return await parsed(store, key, schema);
  } catch (error) {
    if (error instanceof RelayError && error.code === "corrupt") return undefined;
    throw error;
  }
}

/** A registration, live or in the archive, or undefined if there is none that can be read. Its id is the name it is stored under. */
export async function readAgent(
  store: Store,
  folder: "agents" | "archive/agents",
  id: string,
): Promise<Agent | undefined> {
  const agent = await parsedOrSkipped(store, `${folder}/${id}`, Agent);
  return agent === undefined || agent.session_id === id ? agent : { ...agent, session_id: id };
}

/** A record as it is, or undefined if there is none that can be read. */
export function valueOrSkipped(store: Store, key: string): Promise<Value | undefined> {
  return parsedOrSkipped(store, key, object({}));
}

/** Runs what a look does for later ones only: where this disk cannot take it now, the look goes on without. */
export async function asFarAsPossible(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!(error instanceof RelayError) || !["refused", "limit"].includes(error.code)) throw error;
  }
}

/** A message by id, or undefined if there is none that can be read. Its id is the name it is stored under. */
export async function readMessage(store: Store, id: string): Promise<Message | undefined> {
  if (!isSegment(id)) return undefined;
  const message = await parsedOrSkipped(store, `messages/${id}`, Message);
  return message === undefined || message.id === id ? message : { ...message, id };
}
