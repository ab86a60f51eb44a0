import { RelayError } from "../errors.ts";
import { NUDGE } from "../hosts/prompts.ts";
import type { Relay } from "../relay.ts";
import type { Store } from "../store/store.ts";
import { runDaemon } from "./daemon.ts";
import { isWorthWaking, nudgedMessages, WAKE_LIMITS } from "./wake.ts";

const SCAN_EVERY_MS = 10_000;

export interface PushDeps {
  /** Opens the relay for the host's session, and its store; undefined if there is no relay yet. */
  readonly open: () => Promise<{ readonly relay: Relay; readonly store: Store } | undefined>;
  /** Resolves when the host has gone on to another session than the relay's, or `signal` aborts. */
  readonly hasMovedOn: (relay: Relay, signal: AbortSignal) => Promise<void>;
  /** Puts a line before the model. */
  readonly push: (content: string, unread: number) => Promise<void>;
  /** Unix ms. */
  readonly now: () => number;
  readonly failed: (error: Error) => void;
}

/**
 * Pushes a nudge for mail that is worth a turn of the model, once for each message. The message stays unread.
 * Begins when the session is registered, and when no other process watches for it: checks this every 10 s, and whenever
 * `look` is called.
 */
export class MailPush {
  readonly #ends: PushDeps;
  #look = () => {};

  constructor(ends: PushDeps) {
    this.#ends = ends;
  }

  look(): void {
    this.#look();
  }

  /** Runs until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const again = new Promise<void>((resolve) => {
        this.#look = resolve;
      });
      try {
        await this.#watch(signal);
      } catch (error) {
        const isAnothers = error instanceof RelayError && error.code === "conflict";
        if (!signal.aborted && !isAnothers)
          this.#ends.failed(error instanceof Error ? error : new Error(String(error)));
      }
      if (!signal.aborted) await askedOrDue(again, signal);
    }
  }

  /** Returns at once if there is no live session to watch for: a server that was only started leaves no trace. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { open, push, now, hasMovedOn } = this.#ends;
    const found = await open();
    if (!found) return;
    const { relay, store } = found;
    const session = relay.session ?? "";
    const agent = await relay.agents.find(session);
    if (!agent || agent.presence === "gone" || !(await relay.admin.isTrusted())) return;
    const start = async () => {
      await push(NUDGE, await relay.messages.unreadCount());
      return { code: 0, wasCut: false };
    };
    const watch = { command: ["pushes", session], limits: WAKE_LIMITS, isAgent: false, isOnce: false };
    const what = { isMeant: isWorthWaking(session), known: nudgedMessages(store, session) };
    const over = new AbortController();
    const end = () => over.abort();
    signal.addEventListener("abort", end);
    hasMovedOn(relay, over.signal).then(end, end);
    try {
      await runDaemon({ relay, store, now, log: () => {}, start, end: () => {} }, { ...watch, ...what }, over.signal);
    } finally {
      signal.removeEventListener("abort", end);
      end();
    }
  }
}

/** Waits until `again` resolves, the next check is due, or `signal` aborts. */
async function askedOrDue(again: Promise<void>, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let over = () => {};
  const time = new Promise<void>((resolve) => {
    over = resolve;
    timer = setTimeout(resolve, SCAN_EVERY_MS);
  });
  signal.addEventListener("abort", over, { once: true });
  await Promise.race([again, time]);
  clearTimeout(timer);
  signal.removeEventListener("abort", over);
}
