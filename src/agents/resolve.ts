import { RelayError } from "../errors.ts";
import { quoted } from "../shell/quote.ts";
import { distance } from "./edit-distance.ts";

/** What addressing needs to know of a session. */
export interface Addressee {
  readonly session_id: string;
  readonly agent_id: string;
  readonly name?: string;
  readonly role?: string;
}

/** Who a message goes to: everyone, or these sessions. */
export type Address = "everyone" | readonly string[];

/**
 * Finds the sessions that `to` means: `all`, a session id, a name, `role:<role>`, `human` (every person here), or the
 * unique beginning of a session id; several words mean all of them. `ended` are sessions that ended and may come back.
 *
 * Throws `not_found`, with the nearest names, for a word that means no session; with `keep` the word is the id of a
 * session that will come. Throws `usage` for a beginning that fits several, an empty list, and a message to oneself.
 */
export function resolve(
  to: readonly string[],
  me: string,
  agents: readonly Addressee[],
  options: { ended?: readonly Addressee[]; keep?: boolean } = {},
): Address {
  if (to.includes("all")) return "everyone";
  if (to.length === 0)
    throw new RelayError("usage", "Cannot send to nobody: the list of recipients is empty", {
      next: "name some, or leave the list away to send to everyone",
    });
  const found = to.flatMap((word) => sessionsFor(word, agents, options.ended ?? [], options.keep ?? false));
  const others = [...new Set(found)].filter((session) => session !== me);
  if (others.length === 0)
    throw new RelayError("usage", `Cannot send to "${to.join(", ")}": that is only you`, {
      next: "agent-relay agents",
    });
  return others;
}

/** One session by id, name, or the unique beginning of its id. Throws like `resolve`. */
export function resolveOne(word: string, agents: readonly Addressee[], ended: readonly Addressee[] = []): string {
  const [session, second] = sessionsFor(word, agents, ended, "no message");
  if (session === undefined || second !== undefined)
    throw ambiguous(
      word,
      agents.map((agent) => agent.session_id),
    );
  return session;
}

function sessionsFor(
  word: string,
  agents: readonly Addressee[],
  ended: readonly Addressee[],
  keep: boolean | "no message",
): string[] {
  const isSent = keep !== "no message";
  const exact = [...agents, ...ended].find((agent) => agent.session_id === word);
  if (exact) return [exact.session_id];
  const named = agents.find((agent) => agent.name === word) ?? ended.find((agent) => agent.name === word);
  if (named) return [named.session_id];
  if (word.startsWith("role:") || word === "human") {
    const group = agents.filter((agent) =>
      word === "human" ? agent.agent_id === "human" : agent.role === word.slice("role:".length),
    );
    if (group.length === 0) throw unknown(word, [...agents, ...ended], isSent);
    return group.map((agent) => agent.session_id);
  }
  if (keep === true) return [word];
  const begun = agents.filter((agent) => word !== "" && agent.session_id.startsWith(word));
  if (begun.length > 1)
    throw ambiguous(
      word,
      begun.map((agent) => agent.session_id),
    );
  if (begun[0]) return [begun[0].session_id];
  throw unknown(word, [...agents, ...ended], isSent);
}

function ambiguous(word: string, fits: readonly string[]): RelayError {
  return new RelayError("usage", `Cannot tell who "${word}" is: it could be ${fits.slice(0, 5).join(", ")}`, {
    next: "agent-relay agents",
    details: { candidates: fits.slice(0, 5) },
  });
}

/** `isSent`: a message was to go there. */
function unknown(word: string, agents: readonly Addressee[], isSent: boolean): RelayError {
  const near = nearest(word, agents);
  const hint = near.length > 0 ? `; did you mean ${near.join(" or ")}?` : "";
  // A group is who is here: nobody can keep a message for one that has nobody in it.
  const isGroup = word === "human" || word.startsWith("role:");
  const several = word.split(",").filter((part) => part !== "");
  const next = isGroup
    ? 'agent-relay send --to all "..."'
    : several.length > 1
      ? `--to once for each: ${several.map((part) => `--to ${quoted(part)}`).join(" ")}`
      : "agent-relay agents, or send --keep to leave it for a session that will come";
  const why = word === "human" ? "no person is registered here yet" : `no agent here has that id, name or role${hint}`;
  return new RelayError("not_found", `Cannot find "${word}": ${why}`, {
    next: isSent ? next : "agent-relay agents",
    details: near.length === 0 ? undefined : { near },
  });
}

const MAX_WORD_CHARS = 200; // comparing costs the product of both lengths

/** The up to three names and ids most like `word`. */
export function nearest(word: string, agents: readonly Addressee[]): string[] {
  if (word.length > MAX_WORD_CHARS) return [];
  const farthest = word.length < 4 ? Math.max(0, word.length - 2) : Math.max(2, Math.ceil(word.length / 3));
  const words = agents.flatMap((agent) => [
    ...(agent.name === undefined ? [] : [agent.name]),
    agent.session_id,
    ...(agent.role === undefined ? [] : [`role:${agent.role}`]),
  ]);
  return [...new Set(words)]
    .filter((candidate) => candidate.length <= MAX_WORD_CHARS)
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, far }) => far <= farthest || includes(candidate, word))
    .sort((a, b) => a.far - b.far)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

function includes(candidate: string, word: string): boolean {
  return word.length >= 3 && candidate.toLowerCase().includes(word.toLowerCase());
}
