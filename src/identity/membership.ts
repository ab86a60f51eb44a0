import { RelayError } from "../errors.ts";
import { idsWith, onlyOne } from "../store/id-part.ts";
import type { Store } from "../store/store.ts";
import { iso } from "../time.ts";
import { checkMemberName, hashOf, Invite, inviteKey, KeptName, Member, newSecret, type TokenScope } from "./member.ts";

// Members and invitations: records of the relay, which its server reads.

const MAX_INVITE_USES = 1000;

export interface Invitation {
  /** The word that lets somebody in; it is kept nowhere. */
  readonly word: string;
  readonly invite: Invite;
}

/** Makes an invitation. `expires` is in ms from now. Throws `usage`. */
export async function invite(
  store: Store,
  now: number,
  options: { readonly user?: string | undefined; readonly uses: number; readonly expires: number; readonly by: string },
): Promise<Invitation> {
  const { user, uses, expires, by } = options;
  if (!Number.isInteger(uses) || uses < 1 || uses > MAX_INVITE_USES)
    throw new RelayError("usage", `Cannot invite ${uses} times: give a whole number from 1 to ${MAX_INVITE_USES}`);
  const word = newSecret("invite");
  const record: Invite = {
    ...(user !== undefined && { user: checkMemberName(user, "user") }),
    uses,
    added_at: iso(now),
    expires_at: iso(now + expires),
    added_by: by,
  };
  await store.create(inviteKey(word), record);
  if (user !== undefined && !(await store.get(`members/${user}`))) await keepName(store, user, record.expires_at);
  return { word, invite: record };
}

/** Keeps the name of who is invited until then: nobody else is called so. */
async function keepName(store: Store, user: string, until: string): Promise<void> {
  const key = `invited/${user}`;
  await store.update(key, (old) => {
    const kept = old && KeptName.parse(old, key).expires_at;
    return { expires_at: kept !== undefined && Date.parse(kept) > Date.parse(until) ? kept : until };
  });
}

/** Everyone who was let in, by name. */
export async function members(store: Store): Promise<Member[]> {
  const found: Member[] = [];
  for (const user of await store.list("members")) {
    const value = await store.get(`members/${user}`);
    if (value) found.push(Member.parse(value, `members/${user}`));
  }
  return found;
}

/** Tells whether an owner, `<user>/<machine>`, is let in no more: it was removed, alone or with its user. */
export async function removedOwners(store: Store): Promise<(owner: string) => boolean> {
  const known = new Map((await members(store)).map((member) => [member.user, member]));
  return (owner) => {
    const [user = "", name = ""] = owner.split("/");
    const member = known.get(user);
    return member !== undefined && !Object.hasOwn({ ...member.machines, ...member.tokens }, name);
  };
}

/** An invitation that can still be used, by its id: what it is kept under, which lets nobody in. */
export type ListedInvite = Invite & { readonly id: string };

/** The invitations that can still be used, as far as the caller may see them: its own, or all where the relay is. */
export async function invites(store: Store, now: number): Promise<ListedInvite[]> {
  const found: ListedInvite[] = [];
  for (const id of await store.list("invites")) {
    const value = await store.get(`invites/${id}`);
    const record = value && Invite.parse(value, `invites/${id}`);
    if (record && Date.parse(record.expires_at) > now) found.push({ id, ...record });
  }
  return found;
}

/** Revokes an invitation, by its id or a unique beginning or end of it. Throws `not_found`, `usage` for several. */
export async function revoke(store: Store, now: number, word: string): Promise<ListedInvite> {
  const all = new Map((await invites(store, now)).map((each) => [each.id, each]));
  const found = all.get(onlyOne(idsWith([...all.keys()], word), word, "invitation") ?? "");
  if (!found)
    throw new RelayError("not_found", `Cannot find the invitation "${word}"`, { next: "agent-relay invite --list" });
  await store.update(`invites/${found.id}`, () => undefined);
  const isLast = ![...all.values()].some(({ id, user }) => id !== found.id && user === found.user);
  const kept = isLast && found.user !== undefined ? `invited/${found.user}` : undefined;
  if (kept && (await store.get(kept))) await store.update(kept, () => undefined);
  return found;
}

/**
 * Removes a user, or one of its machines or tokens: it is let in no more, and what it has made (tokens, invitations) lets
 * in nobody either. Throws `not_found`.
 */
export async function remove(store: Store, now: number, user: string, name?: string): Promise<void> {
  await change(store, user, (member) => {
    // `removed_at` ends earlier invitations too. The name stays taken: a newcomer would be taken for the old user.
    if (name === undefined) return { ...member, machines: {}, tokens: {}, removed_at: iso(now) };
    const { [name]: machine, ...machines } = member.machines;
    const { [name]: token, ...others } = member.tokens ?? {};
    const isKept = ([, { added_by }]: [string, { readonly added_by?: string }]) => added_by !== `${user}/${name}`;
    const tokens = Object.fromEntries(Object.entries(others).filter(isKept));
    if (machine || token) return { ...member, machines, tokens };
    throw new RelayError("not_found", `Cannot find "${name}" among the machines and tokens of ${user}`, {
      next: "agent-relay members",
    });
  });
}

/** Makes and returns a token for a script of this user; only its hash is kept. Throws `conflict` for a taken name. */
export async function addToken(
  store: Store,
  now: number,
  token: {
    readonly user: string;
    readonly name: string;
    readonly scope: TokenScope;
    readonly expires?: number | undefined;
    /** The machine that makes it; undefined where the relay is. */
    readonly by?: string | undefined;
  },
): Promise<string> {
  const user = checkMemberName(token.user, "user");
  const name = checkMemberName(token.name, "token");
  const secret = newSecret("token");
  const added = {
    ...{ hash: hashOf(secret), scope: token.scope, added_at: iso(now) },
    ...(token.expires !== undefined && { expires_at: iso(now + token.expires) }),
    ...(token.by !== undefined && { added_by: token.by }),
  };
  const add = (member: Member) => {
    if (member.machines[name] || member.tokens?.[name])
      throw new RelayError("conflict", `Cannot name a token "${name}": ${user} has that`, {
        next: "give another --name",
      });
    return { ...member, tokens: { ...member.tokens, [name]: added } };
  };
  const isKnown = (await store.get(`members/${user}`)) !== undefined;
  const isNew = !isKnown && (await store.create(`members/${user}`, add({ user, added_at: iso(now), machines: {} })));
  if (!isNew) await change(store, user, add);
  return secret;
}

async function change(store: Store, user: string, step: (member: Member) => Member): Promise<void> {
  const key = `members/${checkMemberName(user, "user")}`;
  const next = await store.update(key, (value) => value && step(Member.parse(value, key)));
  if (next) return;
  throw new RelayError("not_found", `Cannot find the member "${user}"`, { next: "agent-relay members" });
}
