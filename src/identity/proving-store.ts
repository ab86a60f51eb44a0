import { RelayError } from "../errors.ts";
import { forwarding } from "../store/forwarding.ts";
import { folderOf, type Store, type Value } from "../store/store.ts";
import { jsonText } from "../text.ts";
import type { KnownKeys, Pin } from "./known-keys.ts";
import { boxText, hasSigned, type MachineKey } from "./machine-key.ts";
import { type Proof, withoutProof, withProof } from "./proof.ts";
import { Sealed, seal, unseal } from "./seal.ts";
import { isSigned, signatureOf, signed } from "./signature.ts";

export interface Proving {
  /** The relay's own id. */
  readonly relay: string;
  /** The `<user>/<machine>` that sends our messages. */
  readonly owner: string;
  readonly key: MachineKey;
  readonly known: KnownKeys;
}

/**
 * The same store, but it signs each message that it publishes, seals it if the recipient's key is known, and unseals
 * and verifies each message that it reads. What keeps messages on the way can neither forge them nor read sealed ones.
 */
export function provingStore(store: Store, proving: Proving): Store {
  const { get, update, publish } = new Messages(store, proving);
  return { ...forwarding(store), updateTogether: undefined, publishTogether: undefined, get, update, publish };
}

class Messages implements Pick<Store, "get" | "update" | "publish"> {
  readonly #store: Store;
  readonly #proving: Proving;

  constructor(store: Store, proving: Proving) {
    this.#store = store;
    this.#proving = proving;
  }

  readonly get: Store["get"] = async (key) => {
    const raw = await this.#store.get(key);
    return raw === undefined || !isMessage(key) ? raw : this.#view(raw, await this.#proofOf(raw));
  };

  /** The change sees the message unsealed, as its reader does; the content is written back as it was sent. */
  readonly update: Store["update"] = async (key, change, options) => {
    if (!isMessage(key)) return this.#store.update(key, change, options);
    const seen = await this.#store.get(key);
    const proof = seen && (await this.#proofOf(seen));
    let view: Value | undefined;
    const written = await this.#store.update(
      key,
      (raw) => {
        const before = raw && this.#view(raw, proof ?? UNSIGNED);
        view = change(before);
        return view === before ? raw : view && asItCame(view, raw);
      },
      options,
    );
    return written && view;
  };

  readonly publish: Store["publish"] = async (key, value, delivery) => {
    if (!isMessage(key)) return this.#store.publish(key, value, delivery);
    if (value.from_session === "system") return this.#store.publish(key, withoutProof(value), delivery);
    const { relay, owner, key: mine } = this.#proving;
    const pin = typeof value.to_session === "string" ? await this.#pinFor(value.to_session) : undefined;
    const said = withoutProof(value);
    const sealed = pin?.box === undefined ? said : this.#sealed(said, pin.box);
    return this.#store.publish(key, signed(sealed, relay, owner, mine), delivery);
  };

  #sealed(value: Value, box: string): Value {
    const { key } = this.#proving;
    const content = seal(String(value.content), [box, key.box], aboutOf(value));
    return { ...value, content: jsonText({ agent_relay_sealed: content }) };
  }

  #view(raw: Value, proof: Proof): Value {
    const { key } = this.#proving;
    const sealed = sealedIn(raw.content);
    const text = sealed && unseal(sealed, key, aboutOf(raw));
    const content = sealed
      ? (text ?? "(sealed for another key, or changed on the way: it cannot be read here)")
      : raw.content;
    const from = jsonText(raw.from_session);
    const withheld = {
      wrong: `(withheld: it says that ${from} sent it, and its signature is not of that one)`,
      missing: `(withheld: ${from} signs what it sends, and this has no signature)`,
    };
    const shown = proof.state === "wrong" || proof.state === "missing" ? withheld[proof.state] : content;
    return withProof({ ...raw, content: shown }, { ...proof, is_sealed: text !== undefined });
  }

  async #proofOf(raw: Value): Promise<Proof> {
    const { known, relay } = this.#proving;
    const from = String(raw.from_session);
    const before = known.ownerOf(from);
    const signature = signatureOf(raw);
    if (!signature) return (await this.#hasKey(before ?? (await this.#ownerOf(from)))) ? MISSING : UNSIGNED;
    const { by, key } = signature;
    const wrong: Proof = { state: "wrong", by, is_sealed: false };
    if (!isSigned(raw, relay, signature)) return wrong;
    const pin = known.pinOf(by) ?? (await this.#pinOfMember(by));
    if (!pin && before === undefined) return { state: "unknown_key", by, is_sealed: false };
    if (pin?.key !== key || (before ?? (await this.#ownerOf(from))) !== by) return wrong;
    known.learn({ owner: by, pin, session: from });
    return { state: "signed", by, is_sealed: false };
  }

  async #hasKey(owner: string | undefined): Promise<boolean> {
    if (owner === undefined) return false;
    return (this.#proving.known.pinOf(owner) ?? (await this.#pinOfMember(owner))) !== undefined;
  }

  /** The keys of a recipient; undefined if it has none. Throws `refused` if they differ from the pinned ones. */
  async #pinFor(session: string): Promise<Pin | undefined> {
    const { known } = this.#proving;
    const [before, owner] = [known.ownerOf(session), await this.#ownerOf(session)];
    if (before !== undefined && owner !== before) throw exchanged(session, before);
    if (owner === undefined) return undefined;
    const [pinned, said] = [known.pinOf(owner), await this.#pinOfMember(owner)];
    if (pinned && said && pinned.key !== said.key) throw exchanged(owner, `the key ${pinned.key}`);
    const pin = pinned?.box === undefined ? said : pinned;
    if (pin) known.learn({ owner, pin, session });
    return pin;
  }

  async #ownerOf(session: string): Promise<string | undefined> {
    const agent = (await this.#store.get(`agents/${session}`)) ?? (await this.#store.get(`archive/agents/${session}`));
    return typeof agent?.owner === "string" ? agent.owner : undefined;
  }

  /** A member's keys as the relay gives them: trusted on first use. A box key counts only if the key has signed it. */
  async #pinOfMember(owner: string): Promise<Pin | undefined> {
    const [user = "", machine = ""] = owner.split("/");
    const member = await this.#store.get(`members/${user}`);
    const { key, box, box_signature } = Object(Object(member?.machines)[machine]);
    if (typeof key !== "string") return undefined;
    const isOwn =
      typeof box === "string" && typeof box_signature === "string" && hasSigned(key, boxText(box), box_signature);
    return { key, ...(isOwn && { box }) };
  }
}

const UNSIGNED: Proof = { state: "unsigned", is_sealed: false };
const MISSING: Proof = { state: "missing", is_sealed: false };

/** What is written back of a message: the content and its word on its own origin as they came. */
function asItCame(view: Value, raw: Value | undefined): Value {
  return { ...withoutProof(view), content: raw?.content, ...(raw && "proof" in raw && { proof: raw.proof }) };
}

/** A store whose messages nobody here can verify: what they say of their own origin is left out. */
export function unprovenStore(store: Store): Store {
  const get: Store["get"] = async (key) => {
    const raw = await store.get(key);
    return raw && isMessage(key) ? withoutProof(raw) : raw;
  };
  const update: Store["update"] = (key, change, options) => {
    if (!isMessage(key)) return store.update(key, change, options);
    return store.update(
      key,
      (raw) => {
        const before = raw && withoutProof(raw);
        const next = change(before);
        return next === before ? raw : next && asItCame(next, raw);
      },
      options,
    );
  };
  return { ...forwarding(store), get, update };
}

function isMessage(key: string): boolean {
  return folderOf(key) === "messages";
}

/** The fields that a sealed text is bound to: those that every program keeps. */
function aboutOf({ id, from_session, from_agent, to_session, timestamp }: Value): string {
  return jsonText([id, from_session, from_agent, to_session, timestamp]);
}

function sealedIn(content: unknown): Sealed | undefined {
  if (typeof content !== "string" || !content.startsWith('{"agent_relay_sealed":')) return undefined;
  try {
    return Sealed.parse(JSON.parse(content).agent_relay_sealed, "the sealed text");
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RelayError) return undefined; // a text that only looks sealed
    throw error;
  }
}

function exchanged(who: string, before: string): RelayError {
  return new RelayError(
    "refused",
    `Cannot send to "${who}": it was ${before} before, and the server now says otherwise`,
    {
      next: `ask them; if it is meant: agent-relay --server <url> key --forget ${who}`,
    },
  );
}
