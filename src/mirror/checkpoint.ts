import { integer, list, object, record, text } from "../schema.ts";
import { parsedOrSkipped } from "../store/read.ts";
import type { LogCheckpoint } from "./activity.ts";
import type { Leases } from "./claims.ts";
import type { Replicas } from "./replica.ts";

const DAYS_KEPT_MS = 61 * 86_400_000; // no older day is offered

/** How far a mirror has come. If the record is lost, the mirror finds out again what both sides have. */
const CheckpointRecord = object({
  /** The id of the server's relay. */
  relay: text(),
  /** Unix ms; when the server was asked last. */
  at: integer(),
  /** By claim id: when each claim of ours on the server expires (Unix ms). */
  leases: record(integer()),
  /** The progress of the activity log, by day. */
  days: record(object({ here: integer(), there: integer(), added: list(text()) })),
});

export interface Checkpoint {
  readonly at: number;
  readonly days: LogCheckpoint;
  readonly leases: Leases;
}

export async function readCheckpoint({ local, relay }: Replicas): Promise<Checkpoint> {
  const found = await parsedOrSkipped(local, "mirror/progress", CheckpointRecord);
  if (found?.relay !== relay) return { at: 0, days: new Map(), leases: new Map() };
  return { at: found.at, days: new Map(Object.entries(found.days)), leases: new Map(Object.entries(found.leases)) };
}

export async function writeCheckpoint(
  { local, relay, now }: Replicas,
  { at, days, leases }: Checkpoint,
): Promise<void> {
  for (const day of days.keys()) if (Date.parse(day) < now() - DAYS_KEPT_MS) days.delete(day);
  const said = { relay, at, days: Object.fromEntries(days), leases: Object.fromEntries(leases) };
  const value = CheckpointRecord.parse(said, "mirror/progress");
  await local.update("mirror/progress", () => value, { lasting: false });
}
