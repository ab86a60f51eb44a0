import { parsedOrSkipped } from "../context.ts";
import { integer, list, object, record, text } from "../schema.ts";
import type { Seen } from "./log.ts";
import type { Sides } from "./sides.ts";

const KEPT = 61 * 86_400_000; // ms: no older day is offered

/** How far a mirror has come. Where it is lost, the mirror finds out again what both have. */
const Progress = object({
  /** Of which server's relay. */
  relay: text(),
  /** Unix ms; what was sent here before has been passed on. */
  until: integer(),
  /** Unix ms; when the server was asked last. */
  at: integer(),
  /** Of the log, by day. */
  days: record(object({ here: integer(), there: integer(), added: list(text()) })),
});

export interface Come {
  readonly until: number;
  readonly at: number;
  readonly days: Seen;
}

export async function readProgress({ local, relay }: Sides): Promise<Come> {
  const found = await parsedOrSkipped(local, "mirror/progress", Progress);
  if (found?.relay !== relay) return { until: 0, at: 0, days: new Map() };
  return { until: found.until, at: found.at, days: new Map(Object.entries(found.days)) };
}

export async function writeProgress({ local, relay, now }: Sides, { until, at, days }: Come): Promise<void> {
  for (const day of days.keys()) if (Date.parse(day) < now() - KEPT) days.delete(day);
  const value = Progress.parse({ relay, until, at, days: Object.fromEntries(days) }, "mirror/progress");
  await local.update("mirror/progress", () => value, { lasting: false });
}
