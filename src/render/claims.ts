import { type Claim, sayTargets } from "../claims/claim.ts";
import { cleanLine } from "../text.ts";

/** The note on a claim that was taken while the server that decides could not be asked. */
export const TENTATIVE = "tentative: the server that decides was not asked yet, and you are told if it says no";

/** The targets of a claim, in words. */
export function claimWords(claim: Claim): string {
  return cleanLine(sayTargets(claim.targets));
}
