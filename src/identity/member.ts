import { createHash, randomBytes } from "node:crypto";
import { RelayError } from "../errors.ts";
import { type Infer, integer, moment, object, oneOf, optional, record, text } from "../schema.ts";
import { isSegment } from "../store/key.ts";
import { asTyped, jsonText } from "../text.ts";
import { iso } from "../time.ts";

const SCOPES = ["read", "send", "all"] as const;
/** `read`: reads everything and changes nothing. `send`: sends messages and nothing else. `all`: both, and more. */
export type TokenScope = (typeof SCOPES)[number];

/** One of a user's machines. */
const Machine = object({
  /** The machine's public key. */
  key: text(),
  /** The key that messages are sealed for, and the machine's signature over it. */
  box: optional(text()),
  box_signature: optional(text()),
  added_at: moment(),
});

/** A token for a script. Only its hash is kept. */
const Token = object({
  hash: text(),
  scope: oneOf(SCOPES),
  added_at: moment(),
  expires_at: optional(moment()),
  /** The machine that made it, `<user>/<machine>`; it goes with that. Not there if it was made where the relay is. */
  added_by: optional(text()),
});

/** A user who is let in from other machines, as stored under `members/`, with everything that proves who it is. */
export const Member = object({
  user: text(),
  added_at: moment(),
  machines: record(Machine),
  tokens: optional(record(Token)),
  /** Since then the user is not let in any more, and the name stays taken. */
  removed_at: optional(moment()),
});
export type Member = Infer<typeof Member>;

/** An invitation, as stored under `invites/`, by the hash of the word that lets somebody in. */
export const Invite = object({
  /** The only user name that the invitation is good for. */
  user: optional(text()),
  /** How often it can still be used. */
  uses: integer(),
  added_at: moment(),
  expires_at: moment(),
  added_by: text(),
});
export type Invite = Infer<typeof Invite>;

/** That a name is kept for who is invited, as stored under `invited/`. */
export const KeptName = object({ expires_at: moment() });

/** A secret that nobody can guess, with what it is for at its beginning. */
export function newSecret(what: "invite" | "token" | "session" | "local"): string {
  return `ar-${what}-${randomBytes(32).toString("base64url")}`;
}

/** The hash that is kept of a secret. A secret is long and random, so a plain hash of it gives nothing away. */
export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** The key of an invitation. It has the word's hash in it, so that nobody who reads the folder can use the word. */
export function inviteKey(secret: string): string {
  return `invites/${hashOf(secret).slice(0, 40)}`;
}

const RESERVED = ["all", "human", "operator", "system", "you", "nobody", "local"];
const MAX_NAME_BYTES = 40; // both stand in `<user>/<machine>`

/** Throws `usage` for what cannot name a user or a machine: up to 40 of `a-z 0-9 - _ .`, and no reserved word. */
export function checkMemberName(name: string, what: "user" | "machine" | "token"): string {
  if (
    /^[a-z0-9][a-z0-9._-]*$/.test(name) &&
    name.length <= MAX_NAME_BYTES &&
    isSegment(name) &&
    !RESERVED.includes(name)
  )
    return name;
  throw new RelayError(
    "usage",
    `Cannot use ${asTyped(name, 80)} as a ${what} name: write it with a-z 0-9 - _ . in up to ${MAX_NAME_BYTES} characters`,
    { next: `give another ${what === "token" ? "--name" : `--${what}`}` },
  );
}

export function checkScope(scope: string): TokenScope {
  const known = SCOPES.find((each) => each === scope);
  if (known) return known;
  throw new RelayError("usage", `Cannot give the scope ${jsonText(scope)}: there are ${SCOPES.join(", ")}`);
}

export interface InviteFacts {
  /** The member that the invitation is used for. */
  readonly member: Member | undefined;
  /** The member that made it; undefined if it was made where the relay is. */
  readonly maker: Member | undefined;
  /** Unix ms. */
  readonly now: number;
}

/** The user whose machine made an invitation; undefined if it was made where the relay is. */
export function makerOf({ added_by }: Pick<Invite, "added_by">): string | undefined {
  return added_by.includes("/") ? added_by.split("/")[0] : undefined;
}

/**
 * Whether an invitation lets somebody in as `user` now. An invitation for no user is for a name that nobody has. One of
 * a machine or a user that was removed since is void.
 */
export function isGood(invite: Invite, user: string, { member, maker, now }: InviteFacts): boolean {
  const isOld = Date.parse(invite.added_at) <= Date.parse(member?.removed_at ?? "");
  if (isOld || Date.parse(invite.expires_at) <= now || invite.uses < 1 || !isByMember(invite, maker)) return false;
  return invite.user === undefined ? member === undefined : invite.user === user;
}

function isByMember(invite: Invite, maker: Member | undefined): boolean {
  if (makerOf(invite) === undefined) return true;
  const [, name = ""] = invite.added_by.split("/");
  const machine = maker && Object.hasOwn(maker.machines, name) ? maker.machines[name] : undefined;
  return machine !== undefined && Date.parse(machine.added_at) <= Date.parse(invite.added_at);
}

/** The invitation after one use; undefined if that was the last one. */
export function usedOnce(invite: Invite): Invite | undefined {
  return invite.uses === 1 ? undefined : { ...invite, uses: invite.uses - 1 };
}

export interface NewMachine {
  readonly user: string;
  readonly machine: string;
  readonly key: string;
  readonly box?: string | undefined;
  readonly box_signature?: string | undefined;
  /** Unix ms. */
  readonly now: number;
}

/** The member with one more machine, or one machine updated. Throws `refused` if another key has the machine's name. */
export function withMachine(member: Member | undefined, given: NewMachine): Member {
  const { user, machine, key, box, box_signature, now } = given;
  const known = member && Object.hasOwn(member.machines, machine) ? member.machines[machine] : undefined;
  if (known && known.key !== key)
    throw new RelayError("refused", `Cannot log in as ${user}/${machine}: another key has that name`, {
      next: "give this machine another name: --machine",
    });
  const { removed_at: _, ...kept } = member ?? { user, added_at: iso(now) };
  const added = {
    ...{ key, added_at: known?.added_at ?? iso(now) },
    ...(box !== undefined && { box }),
    ...(box_signature !== undefined && { box_signature }),
  };
  return { ...kept, machines: { ...member?.machines, [machine]: added } };
}

/** A name for a user or a machine, made of a word that the system has. */
export function nameFrom(word: string, fallback: string): string {
  const name = word
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .slice(0, 40)
    .replace(/[^a-z0-9]+$/, "");
  return name === "" ? fallback : name;
}
