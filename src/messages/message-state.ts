import { asks, isFor, isLive, isOpen, isUnread, type Message } from "./message.ts";

/** `unread` counts no further than this. */
export const MAX_COUNTED = 1000;
/** How long a reader lease lasts, ms. Renewed while the reader works. */
export const READER_LEASE_MS = 5000;

/** The key of the pointer that says: message `id` is unread for `session`. */
export function unreadPointer(session: string, id: string): string {
  return `inboxes/${session}/${id}`;
}

/** The key of the pointer that says: `session` was shown message `id`, and still owes an answer. */
export function openPointer(session: string, id: string): string {
  return `inboxes/${session}/open/${id}`;
}

/** How a listed message stands: `done` needs neither a read nor an answer. */
export type MessageState = "unread" | "open" | "done";

export function messageState(session: string, message: Message, now: number): MessageState {
  if (isUnread(session, message, now)) return "unread";
  return isOpen(session, message, now) ? "open" : "done";
}

/** Whether a shown message stays listed as open. */
export function staysOpen(session: string, message: Message, now: number): boolean {
  return isFor(session, message) && isLive(message, now) && asks(message);
}

/** One message as an inbox shows it. */
export interface InboxItem {
  /** The message itself. */
  readonly message: Message;
  /** It had not been shown to this session before. */
  readonly is_new: boolean;
  /** It was shown, and still waits for an answer or an `ack`. */
  readonly is_open: boolean;
}

/** Up to `limit` items of the lowest rank, in order of rank; those without one are left out. Equals keep their order. */
export function lowestRanked(
  items: readonly InboxItem[],
  rank: (item: InboxItem) => number | undefined,
  limit: number,
): InboxItem[] {
  const ranked = items.flatMap((item) => {
    const place = rank(item);
    return place === undefined ? [] : [{ item, place }];
  });
  return ranked
    .sort((a, b) => a.place - b.place)
    .slice(0, limit)
    .map(({ item }) => item);
}

/** The items to show: up to `limit` new ones, then open ones if there is room. Keeps the given order. */
export function choose(items: readonly InboxItem[], limit: number): InboxItem[] {
  const fresh = items.filter((item) => item.is_new).slice(0, limit);
  const rest = items.filter((item) => !item.is_new).slice(0, limit - fresh.length);
  const chosen = new Set([...fresh, ...rest]);
  return items.filter((item) => chosen.has(item));
}
