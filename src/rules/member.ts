import { Invite, Member } from "../identity/member.ts";
import { nameOf } from "../store/store.ts";
import { type Caller, isSame, type Rule, refused } from "./rule.ts";

const MOST_DAYS = 7 * 86_400_000; // ms that an invitation by a member may last
const MOST_USES = 10;

const userOf = ({ owner }: Caller) => owner?.split("/")[0];

/** A user takes away its own machines and tokens, and makes tokens; machines are added by logging in. */
export const memberRule: Rule = {
  check(caller, key, { old, next }) {
    const user = userOf(caller);
    if (nameOf(key) !== user) throw refused(key, "it is another's");
    if (old === undefined || next === undefined) throw refused(key, "who is let in is decided where the relay is");
    const [before, after] = [Member.parse(old, key), Member.parse(next, key)];
    const isKept = ([name, machine]: [string, unknown]) => isSame(before.machines[name], machine);
    if (!Object.entries(after.machines).every(isKept)) throw refused(key, "a machine is added by logging in");
    if (after.user !== user || after.added_at !== before.added_at) throw refused(key, "its name stays");
  },
};

/** A user invites its own machines, and nobody else. What is written there no member can read. */
export const inviteRule: Rule = {
  mayRead: () => false,
  check(caller, key, { old, next }, { now }) {
    const invite = next && Invite.parse(next, key);
    if (old !== undefined || !invite) throw refused(key, "only where the relay is");
    if (invite.user === undefined || invite.user !== userOf(caller))
      throw refused(key, "you may invite yourself alone");
    if (invite.uses > MOST_USES || invite.expires_at > now + MOST_DAYS || invite.added_by !== caller.owner)
      throw refused(key, `an invitation by a member is good for ${MOST_USES} uses in 7 days`);
  },
};
