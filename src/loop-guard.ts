import type { Message } from "./message.ts";

/** How far a conversation among agents has gone on its own. */
export interface Chain {
  /** How many messages in a row answered each other, with no person among their senders and no task moving. */
  readonly hops: number;
  /** Who sent the last of them, the latest last. */
  readonly chain: readonly string[];
}

const MOST_NAMES = 8; // of a chain: enough to see who it is

/** What a message that answers `parent` carries on. A person's message, and one after a task has moved, begin anew. */
export function chainAfter(parent: Message | undefined, session: string, isFresh: boolean): Chain {
  if (!parent || isFresh) return { hops: 0, chain: [] };
  // Who adds to its own words goes neither back nor on.
  if (parent.from_session === session) return { hops: parent.hops ?? 0, chain: parent.chain ?? [] };
  const before = parent.chain ?? [parent.from_session];
  return { hops: (parent.hops ?? 0) + 1, chain: [...before, session].slice(-MOST_NAMES) };
}

export interface LoopLimits {
  /** Answers in a row that cost nothing; default 20. Each further one waits a little longer. */
  readonly freeHops: number;
  /** The first answer in a row that is not sent any more; default 40. */
  readonly mostHops: number;
}

const STEP = 250; // ms; the 20 slow answers between the default limits wait for 45 s in all
const LONGEST = 5000; // ms

/** How long (ms) an answer waits before it is sent. */
export function pauseBefore(hops: number, { freeHops }: LoopLimits): number {
  return Math.min(LONGEST, Math.max(0, hops - freeHops) * STEP);
}
