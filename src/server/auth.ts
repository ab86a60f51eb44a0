import { BoundedMap } from "../bounded-map.ts";
import { RelayError } from "../errors.ts";
import { loginText } from "../identity/login.ts";
import { boxText, hasSigned } from "../identity/machine-key.ts";
import {
  checkMemberName,
  hashOf,
  Invite,
  inviteKey,
  isGood,
  Member,
  makerOf,
  type NewMachine,
  newSecret,
  type TokenScope,
  usedOnce,
  withMachine,
} from "../identity/member.ts";
import { object, optional, text } from "../schema.ts";
import type { Store, Value } from "../store/store.ts";
import { jsonText } from "../text.ts";
import { iso, steady } from "../time.ts";

const LOGIN_MS = 3_600_000; // that a login lasts
const CHALLENGE_MS = 60_000; // to answer a challenge
const MAX_CHALLENGES = 10_000; // challenges that wait for an answer; the oldest gives way
const MAX_LOGINS = 10_000;
const MEMBER_FRESH_MS = 1000; // for which a member that was read is not read again

/** Who was let in, and for what. */
export interface Admitted {
  /** `<user>/<machine>`; undefined for the user who runs the server. */
  readonly owner: string | undefined;
  readonly scope: TokenScope;
  readonly byToken: boolean;
  /** The hash of the secret that let the caller in. */
  readonly by: string;
}

export interface AuthOptions {
  /** Where members are kept. */
  readonly store: Store;
  /** The relay's own id. */
  readonly relay: string;
  /** The secret of this machine's own user. */
  readonly local: string;
  /** Who runs the server: an invitation for no user lets nobody in by that name. */
  readonly operator?: string | undefined;
  /** The addresses that this server is called by: `https://relay.example:4800`. A login for another is refused. */
  readonly origins: ReadonlySet<string>;
  readonly now: () => number;
}

interface ServerLogin {
  readonly user: string;
  readonly machine: string;
  /** The machine's key that opened the login. The login ends when the member's record no longer has that key. */
  readonly proof: string;
  /** Unix ms. */
  readonly expires_at: string;
}

const Login = object({
  user: text(),
  machine: text(),
  key: text(),
  challenge: text(),
  nonce: text(),
  origin: text(),
  signature: text(),
  invite: optional(text()),
  box: optional(text()),
  box_signature: optional(text()),
});

/** Lets in callers that prove who they are: by the local user's secret, a login, or a token. */
export class Authenticator {
  readonly #options: AuthOptions;
  readonly #local: string;
  readonly #challenges = new BoundedMap<string, number>(MAX_CHALLENGES);
  readonly #sessions = new BoundedMap<string, ServerLogin>(MAX_LOGINS);
  readonly #members = new Map<string, { at: number; member: Member | undefined }>();
  #tokens: {
    at: number;
    byHash: ReadonlyMap<string, { user: string; name: string; scope: TokenScope; expires_at?: string }>;
  } = {
    at: Number.NEGATIVE_INFINITY,
    byHash: new Map(),
  };

  constructor(options: AuthOptions) {
    this.#options = options;
    this.#local = hashOf(options.local);
  }

  /** The caller that has this secret, or undefined. */
  admitted(secret: string): Promise<Admitted | undefined> {
    return this.#admittedBy(hashOf(secret)); // compared as a hash: the time that takes tells nothing of the secret
  }

  /** Whether a caller that was let in would still be let in. */
  async isStillIn({ owner, by }: Admitted): Promise<boolean> {
    return (await this.#admittedBy(by))?.owner === owner;
  }

  async #admittedBy(by: string): Promise<Admitted | undefined> {
    if (by === this.#local) return { owner: undefined, scope: "all", byToken: false, by };
    const now = this.#options.now();
    const session = this.#sessions.get(by);
    if (session && Date.parse(session.expires_at) > now) {
      const member = await this.#member(session.user);
      if (!member || machineOf(member, session.machine)?.key !== session.proof) return undefined;
      return { owner: `${session.user}/${session.machine}`, scope: "all", byToken: false, by };
    }
    this.#sessions.delete(by);
    const token = (await this.#knownTokens()).get(by);
    if (!token || (token.expires_at !== undefined && Date.parse(token.expires_at) <= now)) return undefined;
    return { owner: `${token.user}/${token.name}`, scope: token.scope, byToken: true, by };
  }

  /** A new challenge to sign, good once and for CHALLENGE_MS: `{ challenge, relay, at }`, `at` in Unix seconds. */
  challenge(): Value {
    const { now, relay } = this.#options;
    const challenge = newSecret("session").slice(-43);
    this.#challenges.set(challenge, now());
    return { challenge, relay, at: Math.floor(now() / 1000) };
  }

  /**
   * Opens a login for a challenge that was signed with a machine's key: `{ token, expires_at, relay }`, `expires_at` in
   * Unix ms. Throws `refused`, `corrupt`, `usage`.
   */
  async login(body: Value): Promise<Value> {
    const { now, relay, origins, store } = this.#options;
    const { signature, invite, ...said } = Login.parse(body, "the login");
    const user = checkMemberName(said.user, "user");
    const machine = checkMemberName(said.machine, "machine");
    const asked = this.#challenges.get(said.challenge);
    this.#challenges.delete(said.challenge); // whatever comes of it
    if (asked === undefined || asked + CHALLENGE_MS <= now()) throw noLogin("the challenge is not, or no longer, open");
    if (!origins.has(said.origin))
      throw noLogin(`it was signed for ${jsonText(said.origin)}, and this server is ${[...origins].join(", ")}`);
    const at = Math.floor(asked / 1000);
    if (!hasSigned(said.key, loginText({ ...said, user, machine, relay, at }), signature))
      throw noLogin("the signature is not of this key over this login");
    const { key, box, box_signature } = said;
    if (box !== undefined && !hasSigned(key, boxText(box), box_signature ?? ""))
      throw noLogin("the key for sealing is not signed by this one");
    await this.#enrol(store, { user, machine, key, box, box_signature, now: now() }, invite);
    const token = newSecret("session");
    const expires_at = iso(now() + LOGIN_MS);
    this.#sessions.set(hashOf(token), { user, machine, proof: said.key, expires_at });
    return { token, expires_at, relay };
  }

  /** Forgets the members that were read: a record of one has changed. */
  refresh(): void {
    this.#members.clear();
    this.#tokens = { at: Number.NEGATIVE_INFINITY, byHash: new Map() };
  }

  /** Uses up an invitation before it lets the machine in: a crash between loses one use, and nobody gets in twice. */
  async #enrol(store: Store, machine: NewMachine, invite: string | undefined): Promise<void> {
    const { user } = machine;
    const member = await this.#read(user);
    const known = member && machineOf(member, machine.machine);
    if (known?.key === machine.key && known.box === machine.box) return;
    const enrolled = withMachine(member, machine);
    if (known?.key !== machine.key) await this.#useInvite(store, invite, machine, member);
    const name = `members/${user}`;
    if (member === undefined && !(await store.create(name, enrolled))) throw badInvite(); // somebody was faster
    if (member) await store.update(name, (value) => withMachine(value && Member.parse(value, name), machine));
    this.refresh();
  }

  async #useInvite(store: Store, invite: string | undefined, { user, machine, now }: NewMachine, member?: Member) {
    if (invite === undefined)
      throw new RelayError("refused", `Cannot log in as ${user}/${machine}: its key is not known under that name`, {
        next: "ask for an invitation, then: agent-relay login <url> --invite <word>",
      });
    const known = await store.get(inviteKey(invite));
    const by = known && makerOf(Invite.parse(known, "invites"));
    const maker = by === undefined ? undefined : await this.#read(by);
    await store.update(inviteKey(invite), (value) => {
      const found = value && Invite.parse(value, "invites");
      const isForAnother = found?.user === undefined && user === this.#options.operator;
      if (!found || isForAnother || !isGood(found, user, { member, maker, now })) throw badInvite();
      return usedOnce(found);
    });
  }

  async #member(user: string): Promise<Member | undefined> {
    const now = steady();
    const known = this.#members.get(user);
    if (known && now - known.at < MEMBER_FRESH_MS) return known.member;
    const member = await this.#read(user);
    this.#members.set(user, { at: now, member });
    return member;
  }

  async #read(user: string): Promise<Member | undefined> {
    const value = await this.#options.store.get(`members/${user}`);
    return value && Member.parse(value, `members/${user}`);
  }

  async #knownTokens() {
    const now = steady();
    if (now - this.#tokens.at < MEMBER_FRESH_MS) return this.#tokens.byHash;
    const byHash = new Map<string, { user: string; name: string; scope: TokenScope; expires_at?: string }>();
    for (const user of await this.#options.store.list("members"))
      for (const [name, { hash, scope, expires_at }] of Object.entries((await this.#read(user))?.tokens ?? {}))
        if (!byHash.has(hash)) byHash.set(hash, { user, name, scope, ...(expires_at !== undefined && { expires_at }) });
    this.#tokens = { at: now, byHash };
    return byHash;
  }
}

function machineOf({ machines }: Member, name: string) {
  return Object.hasOwn(machines, name) ? machines[name] : undefined;
}

/** One error for every fault of an invitation: it does not tell which users and invitations there are. */
function badInvite(): RelayError {
  return new RelayError("refused", "Cannot log in with that invitation: it is not, or no longer, good for this name", {
    next: "ask who sent it for a new one: agent-relay invite",
  });
}

function noLogin(why: string): RelayError {
  return new RelayError("refused", `Cannot log in: ${why}`, { next: "agent-relay login <url>" });
}
