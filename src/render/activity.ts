import type { ActivityEvent, Entry } from "../activity/entry.ts";
import { shortId } from "../id.ts";
import { cleanLine, cut, inQuotes, jsonText } from "../text.ts";
import { LAST_DATE, localTime } from "../time.ts";
import type { SenderNames } from "./messages.ts";

const MAX_ENTRY_CHARS = 160; // of what an entry says: `--json` has all

/** One line, in a sentence: when, who, what it did, and the id of what it did it to. */
export function entryLine(entry: Entry, names: SenderNames): string {
  const { at, session_id, id } = entry;
  const call = (session: string) => names.get(session) ?? session;
  const sentence = cut(cleanLine(new Fields(entry, call).sentence()), MAX_ENTRY_CHARS);
  const of = id === undefined ? "" : ` (${cleanLine(shortId(id))})`;
  return `${cleanLine(timeWords(at))} ${cleanLine(call(session_id))} ${sentence}${of}\n`;
}

/** The sessions that lines of these entries name. */
export function sessionsIn(entries: readonly Entry[]): string[] {
  const named = (entry: Entry) => WHO.map((name) => entry[name]).filter((value) => typeof value === "string");
  return entries.flatMap((entry) => [entry.session_id, ...named(entry)]);
}

const WHO = ["to", "who", "holder", "from", "owner", "taken_from", "for"]; // fields that hold a session

/** What an entry says of itself. Another version may have written it: no field is sure to be there. */
class Fields {
  readonly #entry: Entry;
  readonly #call: (session: string) => string;

  constructor(entry: Entry, call: (session: string) => string) {
    this.#entry = entry;
    this.#call = call;
  }

  sentence(): string {
    const { event } = this.#entry;
    return Object.hasOwn(SENTENCES, event) ? SENTENCES[event as ActivityEvent](this) : `${event}${this.facts()}`;
  }

  /** A field as text, between these; nothing where it is not there. */
  text(name: string, before = "", after = ""): string {
    const value = this.#entry[name];
    const words = Array.isArray(value) ? value.map(String).join(", ") : value === undefined ? "" : String(value);
    return words === "" ? "" : `${before}${words}${after}`;
  }

  who(name: string, before = "", after = ""): string {
    const value = this.#entry[name];
    return typeof value === "string" && value !== "" ? `${before}${this.#call(value)}${after}` : "";
  }

  /** The same, where that is another than who did it. */
  other(name: string, before = "", after = ""): string {
    return this.#entry[name] === this.#entry.session_id ? "" : this.who(name, before, after);
  }

  time(name: string, before: string): string {
    const value = this.#entry[name];
    return value === undefined ? "" : `${before}${timeWords(value)}`;
  }

  is(name: string, value: string): boolean {
    return this.#entry[name] === value;
  }

  get title(): string {
    const { title } = this.#entry;
    return typeof title === "string" ? ` ${inQuotes(title)}` : "";
  }

  /** All of them, for an event that this version does not know. */
  facts(): string {
    const { at: _, session_id: __, agent_id: ___, event: ____, id: _____, ...details } = this.#entry;
    const words = Object.entries(details)
      .filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))
      .map(([name, value]) => `${name} ${WHO.includes(name) ? this.who(name) : wordOf(name, value)}`);
    return words.length === 0 ? "" : `: ${words.join(", ")}`;
  }
}

type Sentence = (said: Fields) => string;

const claimed =
  (verb: string): Sentence =>
  (said) =>
    `${verb}${said.text("targets", " ")}${said.is("mode", "shared") ? ", shared" : ""}${said.other("holder", " for ")}` +
    `${said.time("expires_at", " until ")}${said.text("token", ", token ")}${said.text("reason", ": ")}`;

const unclaimed =
  (verb: string): Sentence =>
  (said) =>
    `${verb}${said.text("targets", " ")}${said.other("holder", " of ")}`;

const ofTask =
  (verb: string): Sentence =>
  (said) =>
    `${verb}${said.title}${said.other("taken_from", ", which was ", "'s")}${said.text("reason", ": ")}` +
    `${said.text("ready", "; now ready: ")}`;

const waited =
  (verb: string): Sentence =>
  (said) =>
    `${verb}${said.other("for", " of ")}${said.text("outcome", ": ")}`;

const SENTENCES: Readonly<Record<ActivityEvent, Sentence>> = {
  message: (said) =>
    `to ${said.who("to")}${said.is("kind", "info") ? "" : said.text("kind", ", ")}${said.text("proof", ", proof ")}: ${said.text("text")}`,
  "claim.taken": claimed("claimed"),
  "claim.offered": claimed("is next in line, and may have"),
  "claim.reduced": claimed("keeps, of its claim,"),
  "claim.renewed": claimed("renewed its claim of"),
  "claim.released": unclaimed("gave back"),
  "claim.expired": unclaimed("saw the time run out for"),
  "claim.lost": unclaimed("lost"),
  "task.added": ofTask("added the task"),
  "task.edited": ofTask("changed the task"),
  "task.noted": ofTask("wrote a note to the task"),
  "task.claimed": ofTask("took the task"),
  "task.released": ofTask("gave back the task"),
  "task.blocked": ofTask("blocked the task"),
  "task.unblocked": ofTask("unblocked the task"),
  "task.done": ofTask("finished the task"),
  "task.cancelled": ofTask("cancelled the task"),
  "agent.registered": () => "has come",
  "agent.left": (said) => (said.other("who") === "" ? "has left" : `saw that ${said.who("who")} has left`),
  status: (said) => said.text("text", "says what it does: ") || "says no more what it does",
  note: (said) => `noted${said.text("file", " of ")}: ${said.text("text")}`,
  edit: (said) => `wrote ${said.text("files")}`,
  decision: () => "decided",
  "wait.satisfied": waited("ended a wait, which came true,"),
  "wait.timed_out": waited("ended a wait, whose time was over,"),
  "wait.cancelled": waited("cancelled a wait"),
  "wait.ended": waited("ended a wait, which can come true no more,"),
  "loop.stopped": (said) =>
    `stopped a conversation of agents alone after ${said.text("hops")} answers: ${said.text("chain")}`,
  "relay.finished": () => "ended this project's work",
  "relay.reopened": () => "took this project's work up again",
};

function timeWords(value: unknown): string {
  const time = typeof value === "string" ? Date.parse(value) : value;
  return typeof time === "number" && Math.abs(time) <= LAST_DATE ? localTime(time) : String(value);
}

function wordOf(name: string, value: unknown): string {
  if (name.endsWith("_at")) return timeWords(value);
  return typeof value === "string" ? value : jsonText(value);
}
