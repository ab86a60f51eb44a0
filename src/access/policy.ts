import { RelayError } from "../errors.ts";
import type { Value } from "../store/store.ts";
import { jsonText } from "../text.ts";

/** Who asks a server for something. */
export interface Caller {
  /** The session it acts for. */
  readonly session: string;
  /** The session's owner, `<user>/<machine>`. Undefined for the operator: the server's own user, who has its files. */
  readonly owner: string | undefined;
  /** The caller reads and changes nothing. */
  readonly isReader?: boolean;
  /** The caller was let in by a token, not by a machine's key: it invites nobody and makes no tokens. */
  readonly byToken?: boolean;
  /** The server's own place (boot id and pid namespace): no remote caller's process runs there. */
  readonly elsewhere?: string | undefined;
  /** The session of who runs the server: nobody else is called so. */
  readonly operator?: string | undefined;
}

/** The user of an owner `<user>/<machine>`. */
export function userOf(owner: unknown): string | undefined {
  return typeof owner === "string" ? owner.split("/")[0] : undefined;
}

/** A record before and after a write; undefined for none. */
export interface RecordChange {
  readonly old: Value | undefined;
  readonly next: Value | undefined;
}

/** What a rule needs beside the record itself. */
export interface AccessFacts {
  /** Unix ms. */
  readonly now: number;
  /** The records that `needs` has named, as they are stored. */
  readonly records: ReadonlyMap<string, Value | undefined>;
  /** The times (Unix ms) of the marks that `needsMarks` has named. */
  readonly marks?: ReadonlyMap<string, number | undefined>;
}

/** The rules of one noun: who may read and write its records. Pure. */
export interface AccessRule {
  /** Without it, everyone who is let in may. A record that the caller may not read looks absent to it. */
  readonly mayRead?: (caller: Caller, key: string, record: Value) => boolean;
  /** The record as the caller may see it. */
  readonly shown?: (caller: Caller, key: string, record: Value) => Value;
  /** The keys of the records that `check` reads; asked again with the `known` ones while they make it name more. */
  readonly needs?: (key: string, change: RecordChange, known: AccessFacts["records"]) => readonly string[];
  readonly needsMarks?: readonly string[];
  /** Throws `refused`, `conflict`, `limit` or `usage` for a change that the caller may not make. */
  readonly check: (caller: Caller, key: string, change: RecordChange, facts: AccessFacts) => void;
  /** The record with the fields that only the server sets. */
  readonly stamped?: (caller: Caller, next: Value) => Value;
}

export function refused(key: string, why: string): RelayError {
  return new RelayError("refused", `Cannot write "${key}": ${why}`);
}

/** The keys of the records that say who owns a session. */
export function registrationsOf(session: string): string[] {
  return [`agents/${session}`, `archive/agents/${session}`];
}

/** The registration of a session, also of one that has ended. */
export function registrationIn(facts: Pick<AccessFacts, "records">, session: string): Value | undefined {
  const [live = "", archived = ""] = registrationsOf(session);
  return facts.records.get(live) ?? facts.records.get(archived);
}

/** Whether a session belongs to the caller's user on the same machine: such sessions trust each other. */
export function isTheirs(caller: Caller, session: unknown, facts: AccessFacts): boolean {
  if (session === caller.session) return true;
  const agent = typeof session === "string" ? registrationIn(facts, session) : undefined;
  return agent !== undefined && agent.owner === caller.owner;
}

/** Whether two pieces of JSON say the same, whatever the order of their fields. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => isSame(ownField(a, name), ownField(b, name)));
}

/** An object's own field. An inherited one, such as "constructor", does not count. */
function ownField(of: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(of, name)?.value;
}

export function checkSize(key: string, value: Value | undefined, most: number): void {
  if (value === undefined || Buffer.byteLength(jsonText(value)) <= most) return;
  throw new RelayError("limit", `Cannot write more than ${most} bytes to "${key}"`);
}

const MAX_FUTURE_MS = 366 * 86_400_000; // no deadline, lease or clock of ours reaches farther
const TIMES = /(?:_at|_until|since|timestamp|last_heartbeat)$/;

/** Throws `usage` for a record with a time that lies more than a year ahead: others would count by it. */
export function checkTimes(key: string, value: unknown, now: number): void {
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    const time = typeof inner === "string" && TIMES.test(name) ? Date.parse(inner) : inner;
    if (TIMES.test(name) && typeof time === "number" && Math.abs(time) > now + MAX_FUTURE_MS)
      throw new RelayError("usage", `Cannot write "${key}": its ${name} is no time`, {
        next: "set this machine's clock",
      });
    checkTimes(key, inner, now);
  }
}

/** The fields that a change touches. */
export function touched(old: Value, next: Value): string[] {
  const names = new Set([...Object.keys(old), ...Object.keys(next)]);
  return [...names].filter((name) => !isSame(ownField(old, name), ownField(next, name)));
}
