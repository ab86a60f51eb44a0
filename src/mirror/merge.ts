import type { Message, Receipt } from "../messages/message.ts";
import { canonicalJson } from "../text.ts";

// Merges a record that was changed on two sides while they could not talk. The result is the same whoever merges, in
// whatever order and however often.

/**
 * Merges two copies of one message: the readers of both count, each first time counts, and one withdrawal is enough.
 * The other fields never change. If they differ all the same, one copy is taken, the same everywhere.
 */
export function mergedMessage(a: Message, b: Message): Message {
  const base = isFirst(saidIn(a), saidIn(b)) ? a : b;
  const { receipts: _, withdrawn_at: __, ...said } = base;
  const receipts = mergedReceipts(a.receipts, b.receipts);
  const withdrawn_at = earliest(a.withdrawn_at, b.withdrawn_at);
  return {
    ...said,
    read_by: mergedReaders(a, b),
    ...(withdrawn_at !== undefined && { withdrawn_at }),
    ...(receipts && { receipts }),
  };
}

/** The sender first, as in every message, then the others by name: nobody knows in which order two sides noted them. */
function mergedReaders(a: Message, b: Message): string[] {
  const readers = new Set([...a.read_by, ...b.read_by]);
  const isSender = readers.delete(a.from_session);
  return [...(isSender ? [a.from_session] : []), ...[...readers].sort()];
}

/** Merges the receipts of two copies of a message: each first time counts. */
export function mergedReceipts(a: Message["receipts"], b: Message["receipts"]): Message["receipts"] {
  if (a === undefined && b === undefined) return undefined;
  const sessions = [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])].sort();
  return Object.fromEntries(sessions.map((session) => [session, mergedReceipt(own(a, session), own(b, session))]));
}

function mergedReceipt(a: Receipt = {}, b: Receipt = {}): Receipt {
  const read_at = earliest(a.read_at, b.read_at);
  const acked_at = earliest(a.acked_at, b.acked_at);
  // A question is decided once. If it was decided on two sides, `deny` wins.
  const verdict = [a.verdict, b.verdict].includes("deny") ? "deny" : (a.verdict ?? b.verdict);
  return {
    ...(read_at !== undefined && { read_at }),
    ...(acked_at !== undefined && { acked_at }),
    ...(verdict !== undefined && { verdict }),
  };
}

function own<T>(of: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return of && Object.hasOwn(of, name) ? of[name] : undefined;
}

function earliest(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}

function saidIn({ read_by: _, receipts: __, withdrawn_at: ___, ...said }: Message): object {
  return said;
}

/** An order of any two objects that is the same everywhere. */
function isFirst(a: object, b: object): boolean {
  return canonicalJson(a) <= canonicalJson(b);
}
