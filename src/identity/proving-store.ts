import { RelayError } from "../errors.ts";
import { forwarding } from "../store/forwarding.ts";
import { folderOf, type Store, type Value } from "../store/store.ts";
import { jsonText } from "../text.ts";
import type { KnownKeys, Pin } from "./known-keys.ts";
import { boxText, hasSigned, type MachineKey } from "./machine-key.ts";
import { type Proof, withProof } from "./proof.ts";
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
  return { ...forwarding(store), get, update, publish };
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
        return view === before ? raw : view && { ...view, content: raw?.content };
      },
      options,
    );
    return written && view;
  };

  readonly publish: Store["publish"] = async (key, value, delivery) => {
    if (!isMessage(key) || value.from_session === "system") return this.#store.publish(key, value, delivery);
    const { relay, owner, key: mine } = this.#proving;
    const pin = typeof value.to_session === "string" ? await this.#pinFor(value.to_session) : undefined;
    const sealed = pin?.box === undefined ? value : this.#sealed(value, pin.box);
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
    const shown =
      proof.state === "wrong"
        ? `(withheld: it says that ${from} sent it, and its signature is not of that one)`
        : content;
    return withProof({ ...raw, content: shown }, { ...proof, isSealed: text !== undefined });
  }

  async #proofOf(raw: Value): Promise<Proof> {
    const { known, relay } = this.#proving;
    const from = String(raw.from_session);
    const before = known.ownerOf(from);
    const signature = signatureOf(raw);
    if (!signature) return before === undefined ? UNSIGNED : { state: "missing", isSealed: false };
    const { by, key } = signature;
    const wrong: Proof = { state: "wrong", by, isSealed: false };
    if (!isSigned(raw, relay, signature)) return wrong;
    const pin = known.pinOf(by) ?? (await this.#pinOfMember(by));
    if (pin?.key !== key || (before ?? (await this.#ownerOf(from))) !== by) return wrong;
    known.learn({ owner: by, pin, session: from });
    return { state: "signed", by, isSealed: false };
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

const UNSIGNED: Proof = { state: "unsigned", isSealed: false };

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
