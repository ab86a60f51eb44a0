import { RelayError } from "../errors.ts";
import { flag, type Infer, integer, list, object, oneOf, optional, text } from "../schema.ts";
import { KeySegment } from "../store/key.ts";
import { contains, liesIn, overlaps, plain } from "./glob.ts";

/** Unix ms, as far as dates go. */
const Time = integer(0, 8_640_000_000_000_000);

/**
 * What is claimed: a path pattern relative to the worktree's root (absolute for what lies outside it), which covers all
 * that lies below it, or a named resource. Exactly one of `path` and `resource` is there.
 */
export const ClaimTarget = object({
  /** See `overlap.ts`; `.` is the whole project. */
  path: optional(text()),
  /** The path names files: nothing lies below it. */
  leaf: optional(flag()),
  resource: optional(text()),
  /** The root of the one worktree that is meant; without it, the path in every worktree. */
  worktree: optional(text()),
});
export type ClaimTarget = Infer<typeof ClaimTarget>;

const MODES = ["exclusive", "shared"] as const;
export type ClaimMode = (typeof MODES)[number];

/** Who wants what, and why. */
const REQUEST_FIELDS = {
  id: KeySegment,
  session_id: KeySegment,
  agent_id: text(),
  targets: list(ClaimTarget),
  mode: oneOf(MODES),
  reason: optional(text()),
  /** The server that this relay is mirrored to has not been asked yet, and decides. */
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
  /** Handed over to a waiter, who must take it up until then. */
  offered_until: optional(Time),
});
export type Claim = Infer<typeof Claim>;

/** Someone in the queue. Its `id` is that of the claim it will get. */
export const Waiter = object({
  ...REQUEST_FIELDS,
  /** ms; 30 minutes if it is not there. */
  ttl: optional(integer()),
  since: Time,
  /** The waiting process: when it is gone, nobody waits. */
  pid: integer(),
  pid_started: optional(integer()),
  place: text(),
});
export type Waiter = Infer<typeof Waiter>;

/** A session that waits for others to act, whatever for. */
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

/** How long claims last, in ms. */
export const CLAIM_TTL_MS = { default: 30 * 60_000, min: 10_000, max: 8 * 3_600_000 };

/** How long a claim is kept for a waiter that was given it, ms. */
export const OFFER_MS = 10_000;

/** Throws `usage` for a time that no claim may have. */
export function checkTtl(ttl: number): number {
  if (ttl >= CLAIM_TTL_MS.min && ttl <= CLAIM_TTL_MS.max) return Math.round(ttl);
  throw new RelayError("usage", `Cannot claim for ${Math.round(ttl / 1000)} s: a claim lasts 10 seconds to 8 hours`, {
    next: "claim for less, and claim again to renew",
  });
}

/** Throws `usage` for a mode that there is not. */
export function checkMode(mode: ClaimMode): ClaimMode {
  if (MODES.includes(mode)) return mode;
  throw new RelayError("usage", `Cannot claim in mode ${JSON.stringify(mode)}: a claim is ${MODES.join(" or ")}`);
}

/** Whether all of `target`, and what lies below it, is covered by `by`. */
export function isCovered(target: ClaimTarget, by: ClaimTarget): boolean {
  if (by.resource !== undefined || target.resource !== undefined) return by.resource === target.resource;
  if (by.path === undefined || target.path === undefined) return false;
  if (by.worktree !== undefined && by.worktree !== target.worktree) return false;
  return contains({ path: by.path, leaf: by.leaf }, { path: target.path, leaf: target.leaf });
}

/** Whether `target` is `named`, or lies below it, as it is written. */
export function isNamed(target: ClaimTarget, named: ClaimTarget): boolean {
  if (named.resource !== undefined || target.resource !== undefined) return named.resource === target.resource;
  if (named.path === undefined || target.path === undefined) return false;
  if (named.worktree !== undefined && named.worktree !== target.worktree) return false;
  return liesIn(target.path, named.path);
}

/** Whether two targets can be the same thing. */
export function targetsMeet(a: ClaimTarget, b: ClaimTarget): boolean {
  if (a.resource !== undefined || b.resource !== undefined) return a.resource === b.resource;
  if (a.worktree !== undefined && b.worktree !== undefined && a.worktree !== b.worktree) return false;
  if (a.path === undefined || b.path === undefined || isAbsolute(a.path) !== isAbsolute(b.path)) return false;
  return overlaps({ path: a.path, leaf: a.leaf }, { path: b.path, leaf: b.leaf });
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || /^[a-z]:\//i.test(path);
}

/** Targets in words: `src/db.ts, resource db`. */
export function sayTargets(targets: readonly ClaimTarget[]): string {
  const one = ({ path, resource, worktree }: ClaimTarget) =>
    path === undefined
      ? `resource ${resource}`
      : `${plain(path)}${worktree === undefined ? "" : ` (only in ${worktree})`}`;
  return targets.map(one).join(", ");
}

export function isSameTargets(a: Pick<Claim, "targets">, b: Pick<Claim, "targets">): boolean {
  const keys = (of: readonly ClaimTarget[]) =>
    of.map(({ path, resource, worktree }) => JSON.stringify([path, resource, worktree])).sort();
  return keys(a.targets).join() === keys(b.targets).join();
}
