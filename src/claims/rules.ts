import { RelayError } from "../errors.ts";
import { LEASE_TTL_MS } from "../limits.ts";
import { integer, list, object, type Schema } from "../schema.ts";
import { iso, isPast } from "../time.ts";
import {
  Claim,
  type ClaimTarget,
  isSameTargets,
  OFFER_MS,
  type RequestFields,
  targetsMeet,
  WaitEdge,
  Waiter,
} from "./claim.ts";

/** All claims, and who waits for which: what must be decided together is one record, `claims/live`. */
export type ClaimLedger = {
  /** The last fencing token. */
  readonly token: number;
  readonly claims: readonly Claim[];
  /** The first in line first. */
  readonly queue: readonly Waiter[];
  /** Who waits for whom. */
  readonly edges: readonly WaitEdge[];
};

/** @internal */
export const ClaimLedger: Schema<ClaimLedger> = object({
  token: integer(),
  claims: list(Claim),
  queue: list(Waiter),
  edges: list(WaitEdge),
});

export const EMPTY_LEDGER: ClaimLedger = { token: 0, claims: [], queue: [], edges: [] };

/** What a rule must know of the world: the time, and who is gone for certain. */
export interface ClaimFacts {
  /** Unix ms. */
  readonly now: number;
  /** Whether a session has ended, or its process is dead. An idle session is not gone. */
  readonly isGone: (session: string) => boolean;
  /** Whether a waiting process is dead. */
  readonly isDead: (waiter: Waiter | WaitEdge) => boolean;
}

export type ClaimRequest = RequestFields & {
  /** Without it, as long as before, or 30 minutes. */
  readonly ttl_ms?: number;
};

/** What blocks a request: another session's claim, or a waiter that was queued first. */
export type Blocker = { readonly claim: Claim } | { readonly waiter: Waiter };

type Contender = Pick<ClaimRequest, "session_id" | "targets" | "mode">;

function contend(a: Contender, b: Contender): boolean {
  if (a.session_id === b.session_id || (a.mode === "shared" && b.mode === "shared")) return false;
  return a.targets.some((one) => b.targets.some((other) => targetsMeet(one, other)));
}

/**
 * What blocks `wish` right now: claims on its targets, and waiters for them, except waiters that the session's own
 * claims block. Expects a settled ledger.
 */
export function blockers(claims: ClaimLedger, wish: Contender, queue: readonly Waiter[] = claims.queue): Blocker[] {
  const mine = claims.claims.filter((claim) => claim.session_id === wish.session_id);
  const ahead = queue.filter((waiter) => contend(waiter, wish) && !mine.some((claim) => contend(claim, waiter)));
  const held = claims.claims.filter((claim) => contend(claim, wish));
  return [...held.map((claim) => ({ claim })), ...ahead.map((waiter) => ({ waiter }))];
}

export function isLive(claim: Claim, { now, isGone }: ClaimFacts): boolean {
  const isOver = (until: string | undefined) => until !== undefined && isPast(until, now);
  return !isOver(claim.expires_at) && !isOver(claim.offered_until) && !isGone(claim.session_id);
}

/**
 * The ledger without what has expired or is gone. What became free is offered to the waiters, first come, first served.
 * The same object if nothing has changed.
 */
export function expireAndOffer(claims: ClaimLedger, facts: ClaimFacts): ClaimLedger {
  const live = claims.claims.filter((claim) => isLive(claim, facts));
  const isWaiting = (waiter: Waiter | WaitEdge) => !facts.isDead(waiter) && !facts.isGone(waiter.session_id);
  const queue = claims.queue.filter(isWaiting);
  const edges = claims.edges.filter(isWaiting);
  const isSame =
    live.length === claims.claims.length &&
    queue.length === claims.queue.length &&
    edges.length === claims.edges.length;
  let next: ClaimLedger = isSame ? claims : { ...claims, claims: live, queue, edges };
  for (const [index, waiter] of queue.entries()) {
    if (
      blockers(
        next,
        waiter,
        queue.slice(0, index).filter((ahead) => next.queue.includes(ahead)),
      ).length > 0
    )
      continue;
    const left = next.queue.filter((other) => other !== waiter);
    next = { ...grant(next, waiter, facts.now, facts.now + OFFER_MS), queue: left };
  }
  return next;
}

function grant(claims: ClaimLedger, wish: ClaimRequest, now: number, offered_until?: number): ClaimLedger {
  const { id, session_id, agent_id, targets, mode, reason, tentative, ttl_ms = LEASE_TTL_MS.default } = wish;
  const token = claims.token + 1;
  const claim: Claim = {
    ...{ id, session_id, agent_id, targets, mode },
    ...(reason === undefined ? {} : { reason }),
    ...(tentative && { tentative }),
    token,
    claimed_at: iso(now),
    expires_at: iso(now + ttl_ms),
    ttl_ms,
    ...(offered_until === undefined ? {} : { offered_until: iso(offered_until) }),
  };
  return { ...claims, token, claims: [...claims.claims, claim] };
}

/** The result of a request: the claim, or its blockers. */
export type ClaimOutcome =
  | { readonly claims: ClaimLedger; readonly claim: Claim; readonly blockers: readonly [] }
  | { readonly claims: ClaimLedger; readonly claim?: undefined; readonly blockers: readonly Blocker[] };

/** Grants a claim, or renews the session's claim on just these targets. Expects a settled ledger. Throws `limit`. */
export function take(claims: ClaimLedger, wish: ClaimRequest, { now }: ClaimFacts): ClaimOutcome {
  const inTheWay = blockers(claims, wish);
  if (inTheWay.length > 0) return { claims, blockers: inTheWay };
  const mine = claims.claims.filter((claim) => claim.session_id === wish.session_id);
  const old = mine.find((claim) => isSameTargets(claim, wish));
  if (!old) {
    checkRoom(mine, wish);
    const next = grant(claims, wish, now);
    return { claims: next, claim: lastOf(next), blockers: [] };
  }
  const { offered_until: _, reason, ...kept } = old;
  const why = wish.reason ?? reason;
  const ttl_ms = wish.ttl_ms ?? old.ttl_ms;
  // A change of mode takes a new token: others may have claimed the same since this claim was granted.
  const token = wish.mode === old.mode ? claims.token : claims.token + 1;
  const claim = {
    ...kept,
    mode: wish.mode,
    ttl_ms,
    expires_at: iso(now + ttl_ms),
    ...(wish.mode === old.mode ? {} : { token, ...(wish.tentative && { tentative: true }) }),
    ...(why === undefined ? {} : { reason: why }),
  };
  return { claims: { ...replace(claims, old, claim), token }, claim, blockers: [] };
}

/** Of one session: all claims are one record, which everybody reads. */
export const MAX_TARGETS = 1000;

function checkRoom(mine: readonly Claim[], { targets }: ClaimRequest): void {
  const held = mine.reduce((sum, claim) => sum + claim.targets.length, 0);
  if (held + targets.length <= MAX_TARGETS) return;
  throw new RelayError("limit", `Cannot claim ${targets.length} more: you hold ${held} of at most ${MAX_TARGETS}`, {
    next: "claim the folder they are in, or agent-relay release what you do not need",
  });
}

/** The ledger with an offered claim accepted; undefined if the offer has passed to another. */
export function accept(claims: ClaimLedger, id: string, now: number): ClaimLedger | undefined {
  const offered = claims.claims.find((claim) => claim.id === id);
  if (!offered) return undefined;
  const { offered_until: _, ...claim } = offered;
  // The offered claim replaces the session's older one on the same targets, such as a shared one.
  const kept = claims.claims.filter(
    (other) => other === offered || other.session_id !== claim.session_id || !isSameTargets(other, claim),
  );
  return replace({ ...claims, claims: kept }, offered, {
    ...claim,
    claimed_at: iso(now),
    expires_at: iso(now + claim.ttl_ms),
  });
}

/** Renews every accepted claim of a session that `isMeant` picks. The same object if there is none. */
export function renew(claims: ClaimLedger, session: string, now: number, isMeant = (_: Claim) => true): ClaimLedger {
  const isMine = (claim: Claim) => claim.session_id === session && claim.offered_until === undefined && isMeant(claim);
  if (!claims.claims.some(isMine)) return claims;
  const renewed = claims.claims.map((claim) =>
    isMine(claim) ? { ...claim, expires_at: iso(now + claim.ttl_ms) } : claim,
  );
  return { ...claims, claims: renewed };
}

/** The ledger with one claim that lasts for `ttl_ms` from now, also at its renewals. */
export function withTtl(claims: ClaimLedger, id: string, now: number, ttl_ms: number): ClaimLedger {
  const next = claims.claims.map((claim) =>
    claim.id === id ? { ...claim, ttl_ms, expires_at: iso(now + ttl_ms) } : claim,
  );
  return { ...claims, claims: next };
}

/**
 * The ledger without the targets that `isMeant` picks of the claims that `isWhose` picks; waiters are offered what
 * became free. A claim that keeps some targets goes on. `given`: each such claim, with the targets it has lost.
 */
export function giveUp(
  claims: ClaimLedger,
  isWhose: (claim: Claim) => boolean,
  isMeant: (target: ClaimTarget) => boolean,
  facts: ClaimFacts,
): { claims: ClaimLedger; given: Claim[] } {
  const given: Claim[] = [];
  const kept: Claim[] = [];
  for (const claim of claims.claims) {
    const lost = isWhose(claim) ? claim.targets.filter(isMeant) : [];
    const left = claim.targets.filter((target) => !lost.includes(target));
    if (lost.length > 0) given.push({ ...claim, targets: lost });
    if (lost.length === 0) kept.push(claim);
    else if (left.length > 0) kept.push({ ...claim, targets: left });
  }
  return { claims: given.length === 0 ? claims : expireAndOffer({ ...claims, claims: kept }, facts), given };
}

export function enqueue(claims: ClaimLedger, waiter: Waiter): ClaimLedger {
  return { ...claims, queue: [...claims.queue, waiter] };
}

/** The ledger without the waiter, edge or offered claim of this id. */
export function leaveQueue(claims: ClaimLedger, id: string, facts: ClaimFacts): ClaimLedger {
  const queue = claims.queue.filter((waiter) => waiter.id !== id);
  const edges = claims.edges.filter((edge) => edge.id !== id);
  const kept = claims.claims.filter((claim) => claim.id !== id || claim.offered_until === undefined);
  return expireAndOffer({ ...claims, queue, edges, claims: kept }, facts);
}

export function sessionOfBlocker(blocker: Blocker): string {
  return "claim" in blocker ? blocker.claim.session_id : blocker.waiter.session_id;
}

function replace(claims: ClaimLedger, old: Claim, claim: Claim): ClaimLedger {
  return { ...claims, claims: claims.claims.map((other) => (other === old ? claim : other)) };
}

function lastOf(claims: ClaimLedger): Claim {
  const last = claims.claims.at(-1);
  if (!last) throw new Error("a claim was granted and is not there");
  return last;
}
