import { RelayError } from "../errors.ts";
import type { Value } from "../store/store.ts";

/** Who asks a server for something. */
export interface Caller {
  /** The session it acts for. */
  readonly session: string;
  /** Whose that session is, `<user>/<machine>`. Undefined for the user of the server's own machine, who could use the files. */
  readonly owner: string | undefined;
  /** It looks and changes nothing. */
  readonly isReader?: boolean;
  /** It was let in by a token, which is no machine: it lets nobody in, and makes no tokens. */
  readonly byToken?: boolean;
  /** The server's own place: a process of elsewhere is none of its. */
  readonly elsewhere?: string | undefined;
}

/** How a record is and is to be; undefined for none. */
export interface RecordChange {
  readonly old: Value | undefined;
  readonly next: Value | undefined;
}

/** What a rule must know of the world. */
export interface AccessFacts {
  /** Unix ms. */
  readonly now: number;
  /** What `needs` has named, as it is. */
  readonly records: ReadonlyMap<string, Value | undefined>;
  /** The times (Unix ms) of the marks that `needsMarks` has named. */
  readonly marks?: ReadonlyMap<string, number | undefined>;
}

/** What a noun says of who may read and write its records. Pure. */
export interface AccessRule {
  /** Without it, everyone who is let in may. A record that is not for the caller is, for it, not there. */
  readonly mayRead?: (caller: Caller, key: string, record: Value) => boolean;
  /** The record as the caller may see it. */
  readonly shown?: (caller: Caller, key: string, record: Value) => Value;
  /** The records that `check` must see; asked again while what it has seen makes it need more. */
  readonly needs?: (key: string, change: RecordChange, known: AccessFacts["records"]) => readonly string[];
  readonly needsMarks?: readonly string[];
  /** Throws `refused`, `conflict`, `limit` or `usage` for a change that the caller may not make. */
  readonly check: (caller: Caller, key: string, change: RecordChange, facts: AccessFacts) => void;
  /** The record with what only the server can say. */
  readonly stamped?: (caller: Caller, next: Value) => Value;
}

export function refused(key: string, why: string): RelayError {
  return new RelayError("refused", `Cannot write "${key}": ${why}`);
}

/** Where it is written whose a session is. */
export function registrationsOf(session: string): string[] {
  return [`agents/${session}`, `archive/agents/${session}`];
}

/** The registration of a session, also of one that has ended. */
export function registrationIn(facts: AccessFacts, session: string): Value | undefined {
  const [live = "", archived = ""] = registrationsOf(session);
  return facts.records.get(live) ?? facts.records.get(archived);
}

/** Whether a session belongs to the caller's user on the same machine: those trust each other. */
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

/** Not what every object has by its nature, such as a field called "constructor". */
function ownField(of: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(of, name)?.value;
}

export function checkSize(key: string, value: Value | undefined, most: number): void {
  if (value === undefined || Buffer.byteLength(JSON.stringify(value)) <= most) return;
  throw new RelayError("limit", `Cannot write more than ${most} bytes to "${key}"`);
}

/** The fields that a change touches. */
export function touched(old: Value, next: Value): string[] {
  const names = new Set([...Object.keys(old), ...Object.keys(next)]);
  return [...names].filter((name) => !isSame(ownField(old, name), ownField(next, name)));
}
