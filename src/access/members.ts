import { RelayError } from "../errors.ts";
import { MAX_CLOCK_LEAD_MS } from "../id.ts";
import { checkMemberName, Invite, Member } from "../identity/member.ts";
import { nameOf } from "../store/store.ts";
import { type AccessRule, type Caller, checkSize, isSame, refused } from "./policy.ts";

const MAX_INVITE_MS = 7 * 86_400_000; // that an invitation by a member may last
const MAX_INVITE_USES = 10;
const MAX_TOKENS = 20; // of one user

const userOf = ({ owner }: Caller) => owner?.split("/")[0];

/** A user removes its own machines and tokens, and makes tokens. A machine is added by logging in. */
export const memberRule: AccessRule = {
  // Members do not see each other's tokens, not even as hashes.
  shown: (caller, key, record) => {
    if (nameOf(key) === userOf(caller)) return record;
    const { tokens: _, ...rest } = record;
    return rest;
  },
  check(caller, key, { old, next }, { now }) {
    const user = userOf(caller);
    if (caller.byToken) throw refused(key, "a token makes no tokens: log in with this machine's key");
    if (nameOf(key) !== user) throw refused(key, "it is another's");
    if (old === undefined || next === undefined) throw refused(key, "who is let in is decided where the relay is");
    const [before, after] = [Member.parse(old, key), Member.parse(next, key)];
    const isKept = ([name, machine]: [string, unknown]) => isSame(before.machines[name], machine);
    if (!Object.entries(after.machines).every(isKept)) throw refused(key, "a machine is added by logging in");
    const added = Object.entries(after.tokens ?? {}).filter(([name, token]) => !isSame(before.tokens?.[name], token));
    for (const [name, token] of added) {
      checkMemberName(name, "token");
      const isNew = !Object.hasOwn(before.tokens ?? {}, name) && !Object.hasOwn(after.machines, name);
      if (!isNew || Math.abs(Date.parse(token.added_at) - now) > MAX_CLOCK_LEAD_MS)
        throw refused(key, "a token is new when it is made");
      if (token.added_by !== caller.owner) throw refused(key, "a token says which machine made it");
    }
    if (Object.keys(after.tokens ?? {}).length > MAX_TOKENS && added.length > 0)
      throw new RelayError("limit", `Cannot make more than ${MAX_TOKENS} tokens`, {
        next: "agent-relay members remove",
      });
    checkSize(key, next, 64 * 1024);
    if (after.user !== user || after.added_at !== before.added_at) throw refused(key, "its name stays");
  },
};

/** A user invites its own machines, and nobody else; it reads and revokes the invitations that it made. */
export const inviteRule: AccessRule = {
  mayRead: (caller, _, record) => record.added_by === caller.owner,
  check(caller, key, { old, next }, { now }) {
    if (old !== undefined && next === undefined && !caller.byToken) return; // its own: it sees no other
    const invite = next && Invite.parse(next, key);
    if (old !== undefined || !invite || caller.byToken) throw refused(key, "only where the relay is");
    if (Math.abs(Date.parse(invite.added_at) - now) > MAX_CLOCK_LEAD_MS)
      throw refused(key, "an invitation is new when it is made");
    if (invite.user === undefined || invite.user !== userOf(caller))
      throw refused(key, "you may invite yourself alone");
    if (
      invite.uses > MAX_INVITE_USES ||
      Date.parse(invite.expires_at) > now + MAX_INVITE_MS ||
      invite.added_by !== caller.owner
    )
      throw refused(key, `an invitation by a member is good for ${MAX_INVITE_USES} uses in 7 days`);
  },
};
