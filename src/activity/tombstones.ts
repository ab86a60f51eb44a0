import { type Infer, object, optional, text } from "../schema.ts";
import type { Store } from "../store/store.ts";
import { dayOf } from "../time.ts";
import { pastDay } from "./entry.ts";

const DAY_MS = 86_400_000;

/** The age (ms) up to which one relay still offers a message to another. */
export const OFFERED_MS = 60 * DAY_MS;

/** How long (ms) a tombstone is kept: longer than anything is offered, so that nothing collected comes back. */
export const REMEMBERED_MS = 90 * DAY_MS;

/** The tombstone of a thing that was removed because nobody needs it any more: a line of `collected/<day>.jsonl`. */
export const Collected = object({
  /** Such as `messages/msg-...`. */
  key: text(),
  /** The ends of a message, who alone may know of it; without `to`, it was for all. */
  from: optional(text()),
  to: optional(text()),
});
export type Collected = Infer<typeof Collected>;

/** Writes a tombstone. Call it before the removal, so that what was removed is never brought back. */
export async function noteCollected(store: Store, now: number, what: Collected): Promise<void> {
  await store.append(`collected/${dayOf(now)}`, what);
}

/** Removes the tombstones of things that nobody offers any more. */
export async function forgetCollected(store: Store, now: number): Promise<void> {
  for (const day of await store.logs("collected"))
    if (pastDay(day, now) > REMEMBERED_MS) await store.removeLog(`collected/${day}`);
}

/** Whether a session may see this tombstone. */
export function mayKnow(session: string, { key, from, to }: Collected): boolean {
  return !key.startsWith("messages/") || to === undefined || to === session || from === session;
}
