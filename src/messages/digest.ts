import { timeOf } from "../id.ts";
import { isUnread, type Message, sentAt } from "./message.ts";

/** A session that registers late is shown the broadcasts of this last period, ms ... */
export const MAX_DIGEST_AGE_MS = 24 * 3_600_000;
/** ... and at most this many, the newest. */
export const MAX_DIGEST_MESSAGES = 50;

/** Of the ids in `inboxes/all`, those to read for a late session, newest first. A foreign id has no time, and stays. */
export function digestCandidates(ids: readonly string[], now: number): string[] {
  return ids
    .filter((id) => (timeOf(id) ?? now) > now - MAX_DIGEST_AGE_MS)
    .sort((a, b) => (timeOf(b) ?? now) - (timeOf(a) ?? now));
}

/** Whether a broadcast is recent enough for the digest, and unread for `session`. */
export function isNews(session: string, message: Message, now: number): boolean {
  return isUnread(session, message, now) && sentAt(message) > now - MAX_DIGEST_AGE_MS;
}
