import { type Infer, object, optional, text } from "../schema.ts";
import type { Store } from "../store/store.ts";
import { dayOf } from "../time.ts";
import { pastDay } from "./entry.ts";

const DAY_MS = 86_400_000;

/** How old (ms) a message may be that one relay still offers another. */
export const OFFERED_MS = 60 * DAY_MS;

/** How long (ms) it is known what was collected: longer than anything is offered, so that nothing comes back. */
export const REMEMBERED_MS = 90 * DAY_MS;

/** What was removed because nobody needs it any more: a line of `collected/<day>.jsonl`. */
export const Collected = object({
  /** Such as `messages/msg-...`. */
  key: text(),
  /** The ends of a message, who alone may know of it; without `to`, it was for all. */
  from: optional(text()),
  to: optional(text()),
});
export type Collected = Infer<typeof Collected>;

/** Notes that something is being removed. Before it is: what was removed is never brought back. */
export async function noteCollected(store: Store, now: number, what: Collected): Promise<void> {
  await store.append(`collected/${dayOf(now)}`, what);
}

/** Forgets what nobody offers any more. */
export async function forgetCollected(store: Store, now: number): Promise<void> {
  for (const day of await store.logs("collected"))
    if (pastDay(day, now) > REMEMBERED_MS) await store.removeLog(`collected/${day}`);
}

/** Whether a session may know that this was there. */
export function mayKnow(session: string, { key, from, to }: Collected): boolean {
  return !key.startsWith("messages/") || to === undefined || to === session || from === session;
}
