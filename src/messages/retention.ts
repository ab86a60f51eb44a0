import { type Collected, noteCollected } from "../activity/tombstones.ts";
import { ended, registrations } from "../agents/registry.ts";
import type { Context } from "../context.ts";
import { timeOf } from "../id.ts";
import { isSegment } from "../store/key.ts";
import { eachReadable, valueOrSkipped } from "../store/read.ts";
import { MAX_DIGEST_AGE_MS } from "./digest.ts";
import { scanForForeign } from "./discover.ts";
import { isOpen, isUnread, type Message, sentAt } from "./message.ts";
import { unreadPointer } from "./message-state.ts";
import { readMessage } from "./records.ts";

export const MAX_DRAFT_MS = 600_000; // writing a message takes a few ms, and no real writer sleeps this long

/**
 * Returns a test: has a session still to read or answer the message? The recipient of a direct message counts also
 * after its session has ended; with `whoLeft`, ended sessions count for broadcasts too.
 */
export async function stillWaitedFor(context: Context, whoLeft = false): Promise<(message: Message) => boolean> {
  const { store, now } = context;
  const waited = new Set<string>();
  for (const agent of await registrations(context))
    for (const folder of [`inboxes/${agent.session_id}`, `inboxes/${agent.session_id}/open`])
      for (const id of await store.marks(folder)) waited.add(id);
  const owed = new Map<string, string[]>(); // ended sessions do not tidy their lists: each entry is checked
  for (const { session_id: session } of whoLeft ? await ended(context) : [])
    for (const folder of [`inboxes/${session}`, `inboxes/${session}/open`])
      for (const id of await store.marks(folder)) owed.set(id, [...(owed.get(id) ?? []), session]);
  return (message) => {
    const to = message.to_session === null ? [] : [message.to_session];
    const isOwed = [...to, ...(owed.get(message.id) ?? [])].some(
      (session) => isUnread(session, message, now()) || isOpen(session, message, now()),
    );
    return waited.has(message.id) || isOwed;
  };
}

/**
 * Removes a message, and its entries in all lists but the inboxes of sessions. The entries go first: if this process is
 * killed in between, the next run finds the message and goes on.
 */
export async function removeMessage({ store, now }: Context, id: string): Promise<void> {
  const message = await readMessage(store, id);
  if (message) await noteCollected(store, now(), endsOf(message));
  await store.unmark(unreadPointer("all", id));
  if (message?.thread !== undefined && isSegment(message.thread)) await store.unmark(`threads/${message.thread}/${id}`);
  await store.unmark(`foreign/${id}`);
  await store.update(`messages/${id}`, () => undefined);
}

function endsOf({ id, from_session: from, to_session: to }: Message): Collected {
  return { key: `messages/${id}`, from, ...(to !== null && { to }) };
}

/** Removes messages older than `maxAge` ms for which `stillWaitedFor` says no. Returns how many it removed. */
export async function cleanupOld(context: Context, maxAge: number): Promise<number> {
  const { store, now } = context;
  await store.sweep(now() - MAX_DRAFT_MS); // first: no late sender may return to a list that was judged without it
  await scanForForeign(context, "now");
  const isWaited = await stillWaitedFor(context);
  let removed = 0;
  const old = (await store.list("messages")).filter((id) => (timeOf(id) ?? 0) <= now() - maxAge);
  for await (const [id, message] of eachReadable(store, old, (each) => readMessage(store, each))) {
    if (!message || sentAt(message) >= now() - maxAge || isWaited(message)) continue;
    await removeMessage(context, id);
    removed++;
  }
  const past = (await store.marks("inboxes/all")).filter((id) => (timeOf(id) ?? 0) < now() - MAX_DIGEST_AGE_MS);
  for await (const [id, message] of eachReadable(store, past, (each) => readMessage(store, each)))
    if (message === undefined) await store.unmark(unreadPointer("all", id));
  const sessionOfMark = (mark: string) => /^(.+)\.(seen|heard|moved)$/.exec(mark)?.[1];
  const marks = (await store.marks("agents")).filter((mark) => sessionOfMark(mark) !== undefined);
  const registered = (mark: string) => valueOrSkipped(store, `agents/${sessionOfMark(mark)}`);
  for await (const [mark, agent] of eachReadable(store, marks, registered))
    if (agent === undefined) await store.unmark(`agents/${mark}`);
  return removed;
}
