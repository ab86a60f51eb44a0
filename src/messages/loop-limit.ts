import { record } from "../activity/log.ts";
import { registrations } from "../agents/registry.ts";
import type { Context, LoopLimits } from "../context.ts";
import { RelayError } from "../errors.ts";
import { newId } from "../id.ts";
import { checkSegment, isSegment } from "../store/key.ts";
import { sleep } from "../time.ts";
import { compose, type Message, mayRead, sentAt, systemDraft } from "./message.ts";
import { PERSON_SPOKE } from "./rate-limit.ts";
import { readMessage } from "./records.ts";

/** The latest message of a conversation that this session may read. */
export async function latestOf(
  { store, session }: Context,
  { id, thread = id }: Message,
): Promise<Message | undefined> {
  const [latest = id] = await store.marks(`threads/${checkSegment(thread)}`, { reverse: true, limit: 1 });
  const message = await readMessage(store, latest);
  return message && mayRead(session, message) ? message : undefined;
}

/**
 * The chain of an answer to `parent`: how far the conversation has gone without a person or a task moving. Pauses the
 * sender of a long chain. Throws `limit` for one that is too long, and the reason of `signal`.
 */
export async function chainFor(context: Context, parent: Message, signal?: AbortSignal): Promise<Chain> {
  const { agent, session, limits } = context;
  const isFresh = agent === "human" || (await hasMoved(context, parent));
  const chain = chainAfter(parent, session, isFresh);
  if (chain.hops >= limits.mostHops) {
    await tellPerson(context, parent, chain);
    throw new RelayError(
      "limit",
      `Cannot send: ${chain.hops} messages went to and fro between ${[...new Set(chain.chain)].join(", ")}, with no person and no task moving`,
      { next: "do the work, or ask the person: agent-relay send --to human --kind question" },
    );
  }
  const pause = pauseBefore(chain.hops, limits);
  if (pause > 0) await sleep(pause, signal);
  signal?.throwIfAborted();
  return chain;
}

/** Whether this session or the sender has moved a task since `parent` was sent, or a person has sent a message. */
async function hasMoved({ store, session }: Context, parent: Message): Promise<boolean> {
  for (const who of [session, parent.from_session]) {
    const moved = isSegment(who) ? await store.markedAt(`agents/${who}.moved`) : undefined;
    if (moved !== undefined && moved >= sentAt(parent)) return true;
  }
  return ((await store.markedAt(PERSON_SPOKE)) ?? 0) > sentAt(parent);
}

/** Tells every registered person, once for each conversation. */
async function tellPerson(context: Context, { id, thread = id }: Message, { hops, chain }: Chain): Promise<void> {
  const { store, now } = context;
  const root = checkSegment(thread);
  if ((await store.markedAt(`loops/${root}`)) !== undefined) return;
  const people = (await registrations(context)).filter((one) => one.agent_id === "human");
  if (people.length > 0) await store.mark(`loops/${root}`, now());
  await record(context, { event: "loop.stopped", id: root, hops, chain });
  const who = [...new Set(chain)];
  const content = `${who.join(" and ")} have answered each other ${hops} times with no task moving, and were stopped; a word from you lets them go on: agent-relay send --to ${who.join(",")} "..."`;
  for (const [index, { session_id: to_session }] of people.entries()) {
    const time = now() + index;
    const told = systemDraft(newId("msg", time), to_session, content, time);
    await store.publish(`messages/${told.id}`, compose(told, { kind: "status", thread: root }), {
      inboxes: [to_session],
      isNew: true,
    });
  }
}

/** How far a conversation among agents has gone on its own. */
export interface Chain {
  /** How many messages in a row answered each other, with no person among their senders and no task moving. */
  readonly hops: number;
  /** The senders of the last of these messages, the latest last. */
  readonly chain: readonly string[];
}

const MAX_CHAIN_NAMES = 8; // of a chain: enough to see who it is

/** The chain of a message after `parent`. `isFresh`: a person or a task has moved, and the chain begins anew. */
export function chainAfter(parent: Message | undefined, session: string, isFresh: boolean): Chain {
  if (!parent || isFresh) return { hops: 0, chain: [] };
  // A sender that adds to its own message neither lengthens nor restarts the chain.
  if (parent.from_session === session) return { hops: parent.hops ?? 0, chain: parent.chain ?? [] };
  const before = parent.chain ?? [parent.from_session];
  return { hops: (parent.hops ?? 0) + 1, chain: [...before, session].slice(-MAX_CHAIN_NAMES) };
}

const PAUSE_STEP_MS = 250; // the 19 slow answers between the default limits wait for 47.5 s in all
const MAX_PAUSE_MS = 5000;

/** How long (ms) an answer waits before it is sent. */
export function pauseBefore(hops: number, { freeHops }: LoopLimits): number {
  return Math.min(MAX_PAUSE_MS, Math.max(0, hops - freeHops) * PAUSE_STEP_MS);
}
