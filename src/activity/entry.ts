import { extra, type Infer, object, text } from "../schema.ts";

/**
 * One thing that happened: a line of `activity/<day>.jsonl`. Further fields depend on the event: a claim's targets, a
 * task's state.
 */
export const Entry = object({
  /** ISO 8601 with milliseconds. */
  at: text(),
  session: text(),
  agent: text(),
  /** `<noun>.<what>`: `claim.taken`, `task.done`, `status`, ... */
  event: text(),
  /** The id of the thing that it happened to. */
  id: extra(text()),
});
export type Entry = Infer<typeof Entry> & Readonly<Record<string, unknown>>;

/** For how long (ms) a day, such as `2026-05-01`, is over at `now` (Unix ms); below 0 for a day that is not over. */
export function pastDay(day: string, now: number): number {
  return now - (Date.parse(day) + 86_400_000);
}

/** When an entry was made (Unix ms); undefined if its `at` cannot be read. */
export function timeOfEntry(entry: Entry): number | undefined {
  const time = Date.parse(entry.at);
  return Number.isNaN(time) ? undefined : time;
}
