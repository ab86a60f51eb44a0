import { type Claim, type Claims, type Facts, isLive, say } from "./claim.ts";

/** What one change of the record of claims means, for the log. */
export function claimEvents(old: Claims, next: Claims, facts: Facts) {
  const before = new Map(old.claims.map((claim) => [claim.id, claim]));
  const after = new Map(next.claims.map((claim) => [claim.id, claim]));
  const event = (what: string, claim: Claim) => ({
    event: `claim.${what}`,
    id: claim.id,
    holder: claim.session_id,
    targets: say(claim.targets),
  });
  const news = next.claims.flatMap((claim) => {
    const was = before.get(claim.id);
    const isTaken = claim.offered_until === undefined;
    const terms = { token: claim.token, mode: claim.mode, expires_at: claim.expires_at, reason: claim.reason };
    if (!was || (was.offered_until !== undefined && isTaken))
      return [{ ...event(isTaken ? "taken" : "offered", claim), ...terms }];
    if (was.targets !== claim.targets) return [{ ...event("reduced", claim), ...terms }];
    return was.expires_at === claim.expires_at ? [] : [{ ...event("renewed", claim), ...terms }];
  });
  const ends = old.claims.filter((claim) => !after.has(claim.id)).map((claim) => event(endOf(claim, facts), claim));
  return [...ends, ...news];
}

function endOf(claim: Claim, facts: Facts): "released" | "expired" | "lost" {
  if (isLive(claim, facts)) return "released";
  return facts.isGone(claim.session_id) ? "lost" : "expired";
}
