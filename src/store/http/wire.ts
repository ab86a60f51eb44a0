import { createHash } from "node:crypto";
import { type ErrorCode, type ErrorData, errno, errorData, RelayError } from "../../errors.ts";
import { jsonText } from "../../text.ts";
import { isUnreadable } from "../read.ts";
import type { ListRange, Value } from "../store.ts";

// The protocol between the HTTP relay and its client: a store's operations on the same keys.

/** The status of each error. */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  usage: 400,
  refused: 403,
  not_found: 404,
  conflict: 409,
  corrupt: 422,
  limit: 429,
  failed: 503,
  timed_out: 504,
};

/** The status of an error: a server whose disk is full is not a caller that asks too often. */
export function statusOf(error: RelayError): number {
  return ["ENOSPC", "EDQUOT"].includes(errno(error.cause) ?? "") ? 507 : STATUS[error.code];
}

/** The status of a write that is refused because the record is not as the writer saw it. */
export const CHANGED = 412;

/** A record's revision, an entity tag without the quotes: equal for equal content. */
export function revisionOf(value: Value): string {
  return createHash("sha256").update(jsonText(value)).digest("base64url").slice(0, 22);
}

export interface WireError {
  readonly error: ErrorData & {
    /** Why the server could not read what is there: a reader of many passes over it. */
    readonly errno?: string | undefined;
  };
}

export function toWire(error: RelayError): WireError {
  return { error: { ...errorData(error), errno: isUnreadable(error) ? errno(error.cause) : undefined } };
}

/** The error in a server's answer. If the answer is not a relay's, its status gives the code. */
export function fromWire(status: number, body: unknown): RelayError {
  const { error } = Object(body);
  const { code, message, next, details, errno: why } = Object(error);
  if (typeof message === "string" && typeof code === "string" && Object.hasOwn(STATUS, code))
    return new RelayError(code as ErrorCode, message, {
      next: typeof next === "string" ? next : undefined,
      details: typeof details === "object" && details !== null ? details : undefined,
      ...(typeof why === "string" && { cause: Object.assign(new Error(why), { code: why }) }),
    });
  const [known = "failed"] = Object.entries(STATUS).find(([, each]) => each === status) ?? [];
  return new RelayError(known as ErrorCode, `Cannot use the server: it answered ${status}, and not as a relay does`, {
    next: "check the address: agent-relay serve prints it",
  });
}

export function queryOf({ after, limit, part, reverse }: ListRange = {}): string {
  const query = new URLSearchParams();
  if (after !== undefined) query.set("after", after);
  if (limit !== undefined) query.set("limit", String(limit));
  if (part !== undefined) query.set("part", part);
  if (reverse) query.set("reverse", "");
  return query.size === 0 ? "" : `?${query}`;
}

/** Throws `usage` for a limit that is no number. */
export function rangeOf(query: URLSearchParams): ListRange {
  const [after, limit] = [query.get("after"), query.get("limit")];
  if (limit !== null && !/^\d{1,9}$/.test(limit))
    throw new RelayError("usage", `Cannot list ${jsonText(limit)}: the limit is a whole number`);
  return {
    after: after ?? undefined,
    limit: limit === null ? undefined : Number(limit),
    part: query.get("part") ?? undefined,
    reverse: query.has("reverse"),
  };
}
