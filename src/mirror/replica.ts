import { createHash } from "node:crypto";
import { readAgent } from "../agents/registry.ts";
import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { idFor } from "../id.ts";
import { compose, systemDraft } from "../messages/message.ts";
import { makeContext } from "../open/make-context.ts";
import { forwarding } from "../store/forwarding.ts";
import type { Store } from "../store/store.ts";

/** The two relays that a mirror keeps the same. */
export interface Replicas {
  /** The folder that the relay here lies in. */
  readonly project: string;
  readonly local: Store;
  /** The store of the server's relay, as a session of ours may use it; with `""`, as nobody's. */
  readonly remote: (session: string) => Store;
  /** Whom the server takes us for: `<user>/<machine>`; undefined for the user of its own machine. */
  readonly owner: string | undefined;
  /** The id of the server's relay. */
  readonly relay: string;
  /** The clock here (Unix ms). */
  readonly now: () => number;
  /** How far the server's clock is ahead of the one here, ms; 0 where that is too little to matter. */
  readonly ahead: () => number;
  /** Tells a person what could not be mirrored. */
  readonly notice: (text: string) => void;
}

/** The session that acts where none of ours does. */
export const MIRROR = { session: "mirror", agent: "mirror" };

/** A context to act here. */
export function localContext(replicas: Replicas, session = MIRROR.session, agent = MIRROR.agent): Context {
  return makeContext({ store: replicas.local, project: replicas.project, now: replicas.now, session, agent });
}

/** A context to act on the server for a session of ours. It does not log the act: the log here is passed on. */
export function remoteContext(replicas: Replicas, session: string, agent = MIRROR.agent): Context {
  const now = () => replicas.now() + replicas.ahead();
  return makeContext({ store: unlogged(replicas.remote(session)), project: replicas.project, now, session, agent });
}

/** A store that logs only what a holder other than the acting session has lost. */
function unlogged(store: Store): Store {
  const append: Store["append"] = async (key, line) => {
    if (line.holder !== undefined && line.holder !== line.session) await store.append(key, line);
  };
  return { ...forwarding(store), append };
}

/** Whether a session runs, or ran, here: a registration from elsewhere has an owner. */
export async function isOurs({ local }: Replicas, session: string): Promise<boolean> {
  const agent = (await readAgent(local, "agents", session)) ?? (await readAgent(local, "archive/agents", session));
  return agent !== undefined && agent.owner === undefined;
}

/** Tells a session of ours what the server decided, once for each `word` and `time` (Unix ms). False if it was told. */
export async function tellOnce(
  { local, now }: Replicas,
  session: string,
  content: string,
  { word, time }: { readonly word: string; readonly time: number },
): Promise<boolean> {
  const draft = systemDraft(idFor("msg", time, sha256(word)), session, content, now());
  try {
    await local.publish(`messages/${draft.id}`, compose(draft, { kind: "status" }), { inboxes: [session] });
    return true;
  } catch (error) {
    if (error instanceof RelayError && error.code === "conflict") return false; // it was told already
    throw error;
  }
}

/** The SHA-256 of a word, in hex. */
export function sha256(word: string): string {
  return createHash("sha256").update(word).digest("hex");
}

/**
 * Runs one step. If it fails, a person is told, and the other steps go on. Returns whether it succeeded. Of RelayErrors
 * it throws only `failed` and `timed_out`: the server, or this machine, cannot be used now.
 */
export async function orNotice(replicas: Replicas, what: string, step: () => Promise<unknown>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    if (!(error instanceof RelayError) || ["failed", "timed_out"].includes(error.code)) throw error;
    replicas.notice(`${what} is not passed on: ${error.message}`);
    return false;
  }
}

const MAX_PARALLEL = 8; // requests: each takes a round trip, which is long to a server far away

/** Runs `step` for each item, MAX_PARALLEL at once. Rejects with the first error. */
export async function forEach<T>(items: Iterable<T>, step: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items].reverse();
  const worker = async () => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await step(item);
  };
  await Promise.all(Array.from({ length: MAX_PARALLEL }, worker));
}
