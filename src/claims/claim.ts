import { RelayError } from "../errors.ts";
import { LEASE_TTL_MS } from "../limits.ts";
import { flag, integer, list, moment, object, oneOf, optional, type Schema, text } from "../schema.ts";
import { KeySegment } from "../store/key.ts";
import { jsonText } from "../text.ts";
import { contains, isLiteral, liesIn, overlaps, type Pattern, plain } from "./glob.ts";

/**
 * What is claimed: a path pattern relative to the worktree's root (absolute outside it), which covers all that lies
 * below it, or a named resource. Exactly one of `path` and `resource` is there.
 */
export type ClaimTarget = {
  /** A pattern as of a `.gitignore` line: `*`, `**`, `?`, `[a-z]`, `{a,b}`; `.` is the whole project. */
  readonly path?: string;
  /** The path is spelled as files are: no pattern reaches below what it names. */
  readonly leaf?: boolean;
  /** The path as it was spelled, where a link led elsewhere: the link may not have been there for all who spell it so. */
  readonly spelled?: string;
  /** The name of something that is no file, such as `db-migrations`. */
  readonly resource?: string;
  /** The root of the one worktree that is claimed; without it, the path is claimed in every worktree. */
  readonly worktree?: string;
};

/** @internal */
export const ClaimTarget: Schema<ClaimTarget> = object({
  path: optional(text()),
  leaf: optional(flag()),
  spelled: optional(text()),
  resource: optional(text()),
  worktree: optional(text()),
});

const MODES = ["exclusive", "shared"] as const;
/** `exclusive`: of one session. `shared`: of any number of sessions that all share it. */
export type ClaimMode = (typeof MODES)[number];

/** What is asked for, which a claim and a waiter have too. */
export type RequestFields = {
  readonly id: string;
  /** The session that claims. */
  readonly session_id: string;
  /** Which tool that session is. */
  readonly agent_id: string;
  readonly targets: readonly ClaimTarget[];
  /** Whether others may have it as well. */
  readonly mode: ClaimMode;
  /** Why, in its holder's words. */
  readonly reason?: string;
  /** The server that this relay is mirrored to decides this claim, and has not been asked yet. */
  readonly tentative?: boolean;
};

/** A lease on targets, all of them or none: as it is on disk, in `--json` and here. */
export type Claim = RequestFields & {
  /** The fencing token: larger than that of every earlier claim. */
  readonly token: number;
  /** ISO 8601. */
  readonly claimed_at: string;
  /** When it ends if it is not renewed. ISO 8601. */
  readonly expires_at: string;
  /** How long a renewal lasts, ms. */
  readonly ttl_ms: number;
  /** Set while the claim is offered to a waiter, who must accept it by then. ISO 8601. */
  readonly offered_until?: string;
};

/** A session that waits in the queue for a claim. */
export type Waiter = RequestFields & {
  /** That of the claim that it will get. */
  readonly id: string;
  /** How long the claim is to last, ms; 30 minutes if it is missing. */
  readonly ttl_ms?: number;
  /** When it began to wait. ISO 8601. */
  readonly since: string;
  /** The waiting process: when it is dead, the waiter leaves the queue. */
  readonly pid: number;
  /** When that process started, in its system's own unit. */
  readonly pid_started?: number;
  /** Where the pid means something. */
  readonly place: string;
};

/** An edge of the wait-for graph: `session_id` waits for the sessions in `on`. */
export type WaitEdge = {
  readonly id: string;
  readonly session_id: string;
  /** The sessions that would have to act. */
  readonly on: readonly string[];
  /** What it waits for, in words. */
  readonly for: string;
  /** The waiting process. */
  readonly pid: number;
  /** When that process started, in its system's own unit. */
  readonly pid_started?: number;
  /** Where the pid means something. */
  readonly place: string;
};

const REQUEST = {
  id: KeySegment,
  session_id: KeySegment,
  agent_id: text(),
  targets: list(ClaimTarget),
  mode: oneOf(MODES),
  reason: optional(text()),
  tentative: optional(flag()),
};

const PROCESS = { pid: integer(), pid_started: optional(integer()), place: text() };

/** @internal */
export const Claim: Schema<Claim> = object(
  {
    ...REQUEST,
    token: integer(),
    claimed_at: moment(),
    expires_at: moment(),
    ttl_ms: integer(),
    offered_until: optional(moment()),
  },
  { ttl: "ttl_ms" },
);

/** @internal */
export const Waiter: Schema<Waiter> = object(
  { ...REQUEST, ttl_ms: optional(integer()), since: moment(), ...PROCESS },
  { ttl: "ttl_ms" },
);

/** @internal */
export const WaitEdge: Schema<WaitEdge> = object({
  id: KeySegment,
  session_id: KeySegment,
  on: list(text()),
  for: text(),
  ...PROCESS,
});

/** How long an offered claim is kept for its waiter, ms. */
export const OFFER_MS = 10_000;

/** Rounds a claim's length to whole ms. Throws `usage` outside 10 seconds to 8 hours. */
export function checkTtl(ttl: number): number {
  if (ttl >= LEASE_TTL_MS.min && ttl <= LEASE_TTL_MS.max) return Math.round(ttl);
  throw new RelayError("usage", `Cannot claim for ${Math.round(ttl / 1000)} s: a claim lasts 10 seconds to 8 hours`, {
    next: "agent-relay claim <path> --ttl 1h, and again to renew it",
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
  return path[0] === "/" || (path[1] === ":" && /^[a-z]:\//i.test(path));
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
