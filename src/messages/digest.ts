import type { Context } from "../context.ts";
import { timeOf } from "../id.ts";
import { unreadMark } from "./inbox.ts";
import { isUnread, type Message, sentAt } from "./message.ts";
import { readMessage } from "./records.ts";

/** Lists the broadcasts of the last day in this session's inbox: those it has no receipt for, the newest 50. */
export async function takeDigest(context: Context): Promise<void> {
  const { store, session } = context;
  let room = DIGEST_SIZE;
  const ids = await store.marks("inboxes/all");
  const candidates = digestCandidates(ids, context.now());
  const isCandidate = new Set(candidates);
  for (const id of ids) if (!isCandidate.has(id)) await store.unmark(unreadMark("all", id)); // nobody will be told of it
  for (const id of candidates) {
    if (room === 0) return;
    const message = await readMessage(store, id);
    // A broadcast that is still being written may come at any moment: listing it too early costs nothing.
    const isComing = message === undefined && (await store.isDraft(`messages/${id}`));
    if (!isComing && !(message && isNews(session, message, context.now()))) continue;
    await store.mark(unreadMark(session, id), context.now());
    room--;
  }
}

/** Who comes late hears the broadcasts of this long (ms) ... */
export const DIGEST_AGE = 24 * 3_600_000;
/** ... and at most this many, the newest. */
export const DIGEST_SIZE = 50;

/** Of the ids in `inboxes/all`, those worth reading for one who comes late, newest first. Foreign ids do not tell their time. */
export function digestCandidates(ids: readonly string[], now: number): string[] {
  return ids
    .filter((id) => (timeOf(id) ?? now) > now - DIGEST_AGE)
    .sort((a, b) => (timeOf(b) ?? now) - (timeOf(a) ?? now));
}

/** Whether a broadcast is recent enough, and new to `session`. */
export function isNews(session: string, message: Message, now: number): boolean {
  return isUnread(session, message, now) && sentAt(message) > now - DIGEST_AGE;
}
