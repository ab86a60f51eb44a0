import { type Claim, sayTargets } from "./claim.ts";
import { type ClaimFacts, type ClaimLedger, isLive } from "./rules.ts";

/** The log events of one change of the ledger. A claim that stays the same object has not changed. */
export function claimEvents(old: ClaimLedger, next: ClaimLedger, facts: ClaimFacts) {
  const before = without(old.claims, next.claims);
  const after = without(next.claims, old.claims);
  const event = (what: string, claim: Claim) => ({
    event: `claim.${what}`,
    id: claim.id,
    holder: claim.session_id,
    targets: sayTargets(claim.targets),
  });
  const news = after.flatMap((claim) => {
    const was = before.find(({ id }) => id === claim.id);
    const isTaken = claim.offered_until === undefined;
    const terms = { token: claim.token, mode: claim.mode, expires_at: claim.expires_at, reason: claim.reason };
    if (!was || (was.offered_until !== undefined && isTaken))
      return [{ ...event(isTaken ? "taken" : "offered", claim), ...terms }];
    if (was.targets !== claim.targets) return [{ ...event("reduced", claim), ...terms }];
    return was.expires_at === claim.expires_at ? [] : [{ ...event("renewed", claim), ...terms }];
  });
  const ends = before
    .filter(({ id }) => !after.some((claim) => claim.id === id))
    .map((claim) => event(endOf(claim, facts), claim));
  return [...ends, ...news];
}

function without(claims: readonly Claim[], others: readonly Claim[]): Claim[] {
  const known = new Set(others);
  return claims.filter((claim) => !known.has(claim));
}

function endOf(claim: Claim, facts: ClaimFacts): "released" | "expired" | "lost" {
  if (isLive(claim, facts)) return "released";
  return facts.isGone(claim.session_id) ? "lost" : "expired";
}
