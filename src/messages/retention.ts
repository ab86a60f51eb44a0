import { type Collected, noteCollected } from "../activity/tombstones.ts";
import { ended, registrations } from "../agents/registry.ts";
import type { Context } from "../context.ts";
import { timeOf } from "../id.ts";
import { isSegment } from "../store/key.ts";
import { valueOrSkipped } from "../store/read.ts";
import { MAX_DIGEST_AGE_MS } from "./digest.ts";
import { scanForForeign } from "./discover.ts";
import { unreadMark } from "./inbox.ts";
import { isOpen, isUnread, type Message, sentAt } from "./message.ts";
import { readMessage } from "./records.ts";

const MAX_DRAFT_MS = 600_000; // ms; writing a message takes a few ms, and no real writer sleeps this long

/**
 * Tells of a message whether somebody has still to read it, or to answer it: here, or, if it is theirs alone, when they
 * come back. With `whoLeft`, also broadcasts are kept for those.
 */
export async function stillWaitedFor(context: Context, whoLeft = false): Promise<(message: Message) => boolean> {
  const { store, now } = context;
  const waited = new Set<string>();
  for (const agent of await registrations(context))
    for (const folder of [`inboxes/${agent.session_id}`, `inboxes/${agent.session_id}/open`])
      for (const id of await store.marks(folder)) waited.add(id);
  const owed = new Map<string, string[]>(); // by those who left: their lists are judged, since they do not tidy them
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

/** Removes a message, and what lists it for others than its readers: the lists first, so that who was killed between is finished by the next. */
export async function removeMessage({ store, now }: Context, id: string): Promise<void> {
  const message = await readMessage(store, id);
  if (message) await noteCollected(store, now(), endsOf(message));
  await store.unmark(unreadMark("all", id));
  if (message?.thread !== undefined && isSegment(message.thread)) await store.unmark(`threads/${message.thread}/${id}`);
  await store.unmark(`foreign/${id}`);
  await store.update(`messages/${id}`, () => undefined);
}

function endsOf({ id, from_session: from, to_session: to }: Message): Collected {
  return { key: `messages/${id}`, from, ...(to !== null && { to }) };
}

/** Removes messages older than `maxAge` ms that nobody still has to read, here or when they come back. Returns how many. */
export async function cleanupOld(context: Context, maxAge: number): Promise<number> {
  const { store, now } = context;
  await store.sweep(now() - MAX_DRAFT_MS); // before all else: no sender may come back to a list that was judged without it
  await scanForForeign(context, "now");
  const isWaited = await stillWaitedFor(context);
  let removed = 0;
  for (const id of await store.list("messages")) {
    if ((timeOf(id) ?? 0) > now() - maxAge) continue;
    const message = await readMessage(store, id);
    if (!message || sentAt(message) >= now() - maxAge || isWaited(message)) continue;
    await removeMessage(context, id);
    removed++;
  }
  for (const id of await store.marks("inboxes/all"))
    if ((timeOf(id) ?? 0) < now() - MAX_DIGEST_AGE_MS && (await readMessage(store, id)) === undefined)
      await store.unmark(unreadMark("all", id));
  for (const mark of await store.marks("agents")) {
    const [, session = "", what] = /^(.+)\.(seen|heard|moved)$/.exec(mark) ?? [];
    if (what !== undefined && (await valueOrSkipped(store, `agents/${session}`)) === undefined)
      await store.unmark(`agents/${mark}`);
  }
  return removed;
}
