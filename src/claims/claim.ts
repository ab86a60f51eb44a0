import { RelayError } from "../errors.ts";
import { LEASE_TTL_MS } from "../limits.ts";
import { flag, type Infer, integer, list, object, oneOf, optional, text } from "../schema.ts";
import { KeySegment } from "../store/key.ts";
import { jsonText } from "../text.ts";
import { contains, isLiteral, liesIn, overlaps, type Pattern, plain } from "./glob.ts";

/** Unix ms, up to the last that a Date can show. */
const Time = integer(0, 8_640_000_000_000_000);

/**
 * What is claimed: a path pattern relative to the worktree's root (absolute outside it), which covers all that lies
 * below it, or a named resource. Exactly one of `path` and `resource` is there.
 */
export const ClaimTarget = object({
  /** A pattern of `glob.ts`; `.` is the whole project. */
  path: optional(text()),
  /** The path is spelled as files are: no pattern reaches below what it names. */
  leaf: optional(flag()),
  /** The path as it was spelled, where a link led elsewhere: the link may not have been there for all who spell it so. */
  spelled: optional(text()),
  resource: optional(text()),
  /** The root of the one worktree that is claimed; without it, the path is claimed in every worktree. */
  worktree: optional(text()),
});
export type ClaimTarget = Infer<typeof ClaimTarget>;

const MODES = ["exclusive", "shared"] as const;
export type ClaimMode = (typeof MODES)[number];

/** The fields that a claim and a waiter share. */
const REQUEST_FIELDS = {
  id: KeySegment,
  session_id: KeySegment,
  agent_id: text(),
  targets: list(ClaimTarget),
  mode: oneOf(MODES),
  reason: optional(text()),
  /** The server that this relay is mirrored to decides this claim, and has not been asked yet. */
  tentative: optional(flag()),
};

/** A lease on targets, all of them or none. */
export const Claim = object({
  ...REQUEST_FIELDS,
  /** The fencing token: larger than that of every earlier claim. */
  token: integer(),
  claimed_at: Time,
  expires_at: Time,
  /** How long a renewal lasts, ms. */
  ttl: integer(),
  /** Set while the claim is offered to a waiter, who must accept it by then. */
  offered_until: optional(Time),
});
export type Claim = Infer<typeof Claim>;

/** A session in the queue. The waiter's `id` is that of the claim it will get. */
export const Waiter = object({
  ...REQUEST_FIELDS,
  /** ms; 30 minutes if it is missing. */
  ttl: optional(integer()),
  since: Time,
  /** The waiting process: when it is dead, the waiter leaves the queue. */
  pid: integer(),
  pid_started: optional(integer()),
  place: text(),
});
export type Waiter = Infer<typeof Waiter>;

/** An edge of the wait-for graph: `session_id` waits for the sessions in `on`. */
export const WaitEdge = object({
  id: KeySegment,
  session_id: KeySegment,
  on: list(text()),
  for: text(),
  pid: integer(),
  pid_started: optional(integer()),
  place: text(),
});
export type WaitEdge = Infer<typeof WaitEdge>;

/** How long an offered claim is kept for its waiter, ms. */
export const OFFER_MS = 10_000;

/** Rounds a claim's length to whole ms. Throws `usage` outside 10 seconds to 8 hours. */
export function checkTtl(ttl: number): number {
  if (ttl >= LEASE_TTL_MS.min && ttl <= LEASE_TTL_MS.max) return Math.round(ttl);
  throw new RelayError("usage", `Cannot claim for ${Math.round(ttl / 1000)} s: a claim lasts 10 seconds to 8 hours`, {
    next: "claim for less, and claim again to renew",
  });
}

/** Throws `usage` for an unknown mode. */
export function checkMode(mode: ClaimMode): ClaimMode {
  if (MODES.includes(mode)) return mode;
  throw new RelayError("usage", `Cannot claim in mode ${jsonText(mode)}: a claim is ${MODES.join(" or ")}`);
}

/** Whether `by` covers all of `target` and what lies below it. */
export function isCovered(target: ClaimTarget, by: ClaimTarget): boolean {
  if (by.resource !== undefined || target.resource !== undefined) return by.resource === target.resource;
  if (by.path === undefined || target.path === undefined) return false;
  if (by.worktree !== undefined && by.worktree !== target.worktree) return false;
  return pathsOf(by).some((path) =>
    pathsOf(target).some((other) => contains({ path, leaf: by.leaf }, { path: other, leaf: target.leaf })),
  );
}

/** Whether `target` is `named` or lies below it, with both paths compared as text. */
export function isNamed(target: ClaimTarget, named: ClaimTarget): boolean {
  if (named.resource !== undefined || target.resource !== undefined) return named.resource === target.resource;
  if (named.path === undefined || target.path === undefined) return false;
  if (named.worktree !== undefined && named.worktree !== target.worktree) return false;
  return pathsOf(target).some((path) => pathsOf(named).some((folder) => liesIn(path, folder)));
}

/** Whether two targets can name the same file or resource. */
export function targetsMeet(a: ClaimTarget, b: ClaimTarget): boolean {
  if (a.resource !== undefined || b.resource !== undefined) return a.resource === b.resource;
  if (a.worktree !== undefined && b.worktree !== undefined && a.worktree !== b.worktree) return false;
  return pathsOf(a).some((path) =>
    pathsOf(b).some((other) => pathsMeet({ path, leaf: a.leaf }, { path: other, leaf: b.leaf })),
  );
}

function pathsMeet(a: Pattern, b: Pattern): boolean {
  return isAbsolute(a.path) === isAbsolute(b.path) && overlaps(a, b);
}

function pathsOf({ path, spelled }: ClaimTarget): string[] {
  return [path, spelled].filter((each) => each !== undefined);
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || /^[a-z]:\//i.test(path);
}

/** What brackets in a path mean, in words. */
function bracketsIn(path: string): string {
  if (!plain(path).includes("[")) return "";
  return isLiteral(path) ? " (the file named so)" : " (files that match, or named so)";
}

/** Targets in words: `src/db.ts, resource db`. */
export function sayTargets(targets: readonly ClaimTarget[]): string {
  const one = ({ path, resource, worktree }: ClaimTarget) =>
    path === undefined
      ? `resource ${resource}`
      : `${plain(path)}${bracketsIn(path)}${worktree === undefined ? "" : ` (only in ${worktree})`}`;
  return targets.map(one).join(", ");
}

export function isSameTargets(a: Pick<Claim, "targets">, b: Pick<Claim, "targets">): boolean {
  const keys = (of: readonly ClaimTarget[]) =>
    of.map(({ path, resource, worktree }) => jsonText([path, resource, worktree])).sort();
  return keys(a.targets).join() === keys(b.targets).join();
}
