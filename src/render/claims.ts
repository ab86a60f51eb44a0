import { type Claim, sayTargets, type Waiter } from "../claims/claim.ts";
import { formatLeft } from "../duration.ts";
import { cleanLine, inQuotes } from "../text.ts";

/** The note on a claim that was taken while the server that decides could not be asked. */
export const TENTATIVE = "tentative: the server that decides was not asked yet, and you are told if it says no";

/** The targets of a claim, in words. */
export function claimWords(claim: Pick<Claim, "targets">): string {
  return cleanLine(sayTargets(claim.targets));
}

/** One line: who holds what, for how long, and why. */
export function claimLine(
  claim: Claim,
  names: ReadonlyMap<string, string>,
  me: string | undefined,
  now: number,
): string {
  const { session_id, mode, reason, offered_until, expires_at } = claim;
  const who = session_id === me ? "you hold" : `${cleanLine(names.get(session_id) ?? session_id)} holds`;
  const why = reason === undefined ? "" : `: ${cleanLine(inQuotes(reason))}`;
  const left = formatLeft(Date.parse(offered_until ?? expires_at) - now);
  return `${who} ${claimWords(claim)}${mode === "shared" ? " (shared)" : ""} for ${left} more${why}\n`;
}

/** One line: who waits in line for what. */
export function waiterLine(waiter: Waiter, names: ReadonlyMap<string, string>): string {
  return `${cleanLine(names.get(waiter.session_id) ?? waiter.session_id)} is in line for ${claimWords(waiter)}`;
}
