import { HookMemory } from "../agents/hook-memory.ts";
import { RelayError } from "../errors.ts";
import { asks, type Message } from "../messages/message.ts";
import type { Store } from "../store/store.ts";
import { type DaemonDeps, runDaemon, type SeenMessages } from "./daemon.ts";
import type { DaemonLimits } from "./limits.ts";

/** Gives an agent that is at work 2 s to see the mail by itself. */
export const WAKE_LIMITS: DaemonLimits = { coolDown: 10_000, daily: 200, timeLimit: 30_000, settle: 2000 };

/** Whether a message is worth a turn of the model: a direct one, or one that asks for something. */
export function isWorthWaking(session: string): (message: Message) => boolean {
  return (message) => message.to_session === session || asks(message);
}

/** The messages that an agent was woken for, in whichever way: each wakes it once. */
export function nudgedMessages(store: Store, session: string): SeenMessages {
  const memory = new HookMemory(store, session);
  return {
    ids: () => memory.ids("nudged"),
    async add(ids) {
      for (const id of ids) await memory.note("nudged", id);
    },
  };
}

/**
 * Waits for mail that is worth waking the session for. Returns whether it came: this mail then wakes the session no
 * more. False at once if another process watches for this session.
 */
export async function waitToWake(deps: Omit<DaemonDeps, "start" | "end">, signal: AbortSignal): Promise<boolean> {
  const session = deps.relay.session ?? "";
  let hasCome = false;
  const start = async () => {
    hasCome = true;
    return { code: 0, wasCut: false };
  };
  const watch = { command: ["wakes", session], limits: WAKE_LIMITS, isAgent: false, isOnce: true };
  try {
    await runDaemon(
      { ...deps, start, end: () => {} },
      { ...watch, isMeant: isWorthWaking(session), known: nudgedMessages(deps.store, session) },
      signal,
    );
  } catch (error) {
    if (!signal.aborted && !(error instanceof RelayError && error.code === "conflict")) throw error;
  }
  return hasCome;
}
