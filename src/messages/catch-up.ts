import { ended } from "../agents/registry.ts";
import type { Context } from "../context.ts";
import { eachReadable } from "../store/read.ts";
import { digestCandidates, isNews, MAX_DIGEST_MESSAGES } from "./digest.ts";
import { scanForForeign } from "./discover.ts";
import { isUnread, Message } from "./message.ts";
import { unreadPointer } from "./message-state.ts";
import { readMessage } from "./records.ts";

/**
 * Lists in a registered session's inbox what it has missed: messages that other programs wrote, the broadcasts from
 * before it registered, and the mail to the name that it asked for, which the last one of that name has not read.
 */
export async function catchUp(context: Context, isNew: boolean, name: string | undefined): Promise<void> {
  const { store, session, now } = context;
  if (name !== undefined && !store.served) await inherit(context, name);
  await scanForForeign(context, "now");
  // A registered session got a pointer to each broadcast. Listing them again would rely on receipts, which the crate
  // may lose.
  const heard = `agents/${session}.heard`;
  if (isNew || (await store.markedAt(heard)) === undefined) await listDigest(context);
  await store.mark(heard, now());
}

/** Hands on what was sent to a name and is unread by who had it: that one has ended. Killed within, it goes on next time. */
async function inherit(context: Context, name: string): Promise<void> {
  const { store, session, now } = context;
  for (const before of await ended(context)) {
    if (before.name !== name || before.session_id === session || before.owner !== undefined) continue;
    const ids = await store.marks(`inboxes/${before.session_id}`);
    for await (const [id, message] of eachReadable(store, ids, (each) => readMessage(store, each))) {
      if (message?.to_name !== name || !message.to_session) continue;
      const key = `messages/${id}`;
      const handed = await store.update(key, (old) => {
        const current = old && Message.parse(old, key);
        const isTheirs = current && isUnread(before.session_id, current, now());
        return isTheirs ? { ...old, to_session: session } : old;
      });
      if (handed?.to_session !== session) continue;
      await store.mark(unreadPointer(session, id), now());
      await store.unmark(unreadPointer(before.session_id, id));
    }
  }
}

/** The broadcasts of the last day that this session has not read, the newest 50. */
export async function news(context: Context): Promise<Message[]> {
  const { store, session, now } = context;
  const found: Message[] = [];
  const ids = digestCandidates(await store.marks("inboxes/all"), now());
  for await (const [, message] of eachReadable(store, ids, (id) => readMessage(store, id)))
    if (found.length < MAX_DIGEST_MESSAGES && message && isNews(session, message, now())) found.push(message);
  return found;
}

/** Lists in this session's inbox the broadcasts of the last day for which it has no receipt, the newest 50. */
async function listDigest(context: Context): Promise<void> {
  const { store, session } = context;
  let room = MAX_DIGEST_MESSAGES;
  const ids = await store.marks("inboxes/all");
  const candidates = digestCandidates(ids, context.now());
  const isCandidate = new Set(candidates);
  for (const id of ids) if (!isCandidate.has(id)) await store.unmark(unreadPointer("all", id)); // too old for any session
  for await (const [id, message] of eachReadable(store, candidates, (id) => readMessage(store, id))) {
    if (room === 0) return;
    // A broadcast that is still being written may appear at any moment: listing it too early costs nothing.
    const isComing = message === undefined && (await store.isDraft(`messages/${id}`));
    if (!isComing && !(message && isNews(session, message, context.now()))) continue;
    await store.mark(unreadPointer(session, id), context.now());
    room--;
  }
}
