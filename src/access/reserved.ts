import { KeptName } from "../identity/member.ts";
import type { Value } from "../store/store.ts";
import { type AccessFacts, type Caller, userOf } from "./policy.ts";

// A person's session is called `<user>` where the relay is, and `<user>-<machine>` elsewhere. Nobody else is called so.

/** The records of the users that a session or a name may be called after, let in or invited. */
export function usersIn(word: string): string[] {
  return [...beginnings(word).map(([user]) => `members/${user}`), `invited/${word}`];
}

/** Whom a session or a name belongs to by what it is called; undefined for the caller itself, and for nobody. */
export function reservedBy(
  { owner, operator }: Pick<Caller, "owner" | "operator">,
  word: string,
  { now, records }: Pick<AccessFacts, "now" | "records">,
): string | undefined {
  if (word === owner?.replace("/", "-")) return undefined;
  if (word === operator && userOf(owner) !== operator) return "who runs the relay";
  const found = beginnings(word).find(([user, rest]) => {
    const member = records.get(`members/${user}`);
    return member && user !== userOf(owner) && (rest === "" || hasMachine(member, rest));
  });
  if (found) return found[0];
  const kept = records.get(`invited/${word}`);
  const isInvited = kept !== undefined && Date.parse(KeptName.parse(kept, "invited").expires_at) > now;
  return isInvited && word !== userOf(owner) ? word : undefined;
}

/** Each way to read a word as `<user>` or `<user>-<machine>`. */
function beginnings(word: string): (readonly [user: string, machine: string])[] {
  const parts = word.split("-");
  return parts.map((_, at) => [parts.slice(0, at + 1).join("-"), parts.slice(at + 1).join("-")] as const);
}

function hasMachine({ machines, tokens }: Value, name: string): boolean {
  return [machines, tokens].some((some) => Object.hasOwn(Object(some), name));
}
