import { type Entry, timeOfEntry } from "./activity.ts";
import { ensureRegistered } from "./attend.ts";
import { readTask } from "./board.ts";
import { type Context, parsedOrSkipped, readMessage } from "./context.ts";
import { Decision } from "./decision.ts";
import { RelayError } from "./errors.ts";
import { Hints } from "./hints.ts";
import { MAX_CLOCK_LEAD, newId, timeOf } from "./id.ts";
import { entries, record, write } from "./journal.ts";
import { type Message, mayRead, sentAt } from "./message.ts";
import { readWait } from "./outcomes.ts";
import { checkAllowance, send } from "./send.ts";
import { type PastState, stateAfter } from "./state-at.ts";
import { isSegment } from "./store/key.ts";
import type { Task } from "./task.ts";
import type { Wait } from "./wait.ts";

const MAX_STATUS = 200; // bytes: it is one line of a table
const MAX_TEXT = 16 * 1024; // bytes, of a decision or a note

/** Writes down what was decided, for good, and tells everyone. */
export async function decide(context: Context, content: string): Promise<Decision> {
  const text = checkText(content, "decide", MAX_TEXT);
  await ensureRegistered(context);
  await checkAllowance(context);
  const { session, agent, store } = context;
  const decided_at = context.now();
  const decision: Decision = {
    id: newId("decision", decided_at),
    session_id: session,
    agent_id: agent,
    content: text,
    decided_at,
  };
  await store.create(`decisions/${decision.id}`, decision);
  await record(context, { event: "decision", id: decision.id });
  try {
    await send(context, text, { kind: "decision" });
  } catch (error) {
    throw error instanceof RelayError ? untold(decision.id, error) : error;
  }
  return decision;
}

/** It is decided all the same: who thought otherwise would decide it twice. */
function untold(id: string, cause: RelayError): RelayError {
  const why = cause.message.replace(/^Cannot send: /, "");
  return new RelayError(cause.code, `Cannot tell everyone of ${id}, which is decided and kept: ${why}`, {
    cause,
    next: `agent-relay send "see agent-relay explain ${id}"`,
  });
}

/** Every decision, the oldest first. */
export async function decisions(context: Context): Promise<Decision[]> {
  const found: Decision[] = [];
  for (const id of await context.store.list("decisions")) {
    const decision = await parsedOrSkipped(context.store, `decisions/${id}`, Decision);
    if (decision) found.push(decision);
  }
  return found;
}

/** Says in one line what this session does; the others see it beside its name. */
export async function setStatus(context: Context, line: string): Promise<void> {
  const status = checkText(line, "say", MAX_STATUS).trim();
  if (/[\r\n]/.test(status))
    throw new RelayError("usage", "Cannot say that as a status: it is one line", { next: 'agent-relay send "..."' });
  await ensureRegistered(context);
  const status_at = context.now();
  await context.store.update(`agents/${context.session}`, (agent) => agent && { ...agent, status, status_at });
  await record(context, { event: "status", text: status });
}

/** Notes in the log which files this session has written. */
export async function noteEdit(context: Context, files: readonly string[]): Promise<void> {
  await record(context, { event: "edit", files });
}

/** Writes a note to the log. */
export async function note(context: Context, text: string, file?: string): Promise<void> {
  await write(context, { event: "note", text: checkText(text, "log", MAX_TEXT), file });
}

export interface ActivityOptions {
  /** Unix ms. */
  readonly since?: number | undefined;
  /** Unix ms. */
  readonly until?: number | undefined;
  /** The most entries, the newest; default 50. */
  readonly limit?: number;
}

export interface Activity {
  readonly entries: readonly Entry[];
  /** Lines of the log that could not be read. */
  readonly torn: number;
}

/** What happened, with the messages this session may read, the oldest first. */
export async function activity(context: Context, options: ActivityOptions = {}): Promise<Activity> {
  const { limit = 50, since = context.now() - 86_400_000, until = Number.POSITIVE_INFINITY } = options;
  const log = await entries(context, { since, until });
  const sent = await messagesIn(context, since, until);
  const all = [...log.entries, ...sent].sort((a, b) => (timeOfEntry(a) ?? 0) - (timeOfEntry(b) ?? 0));
  return { entries: all.slice(-limit), torn: log.torn };
}

async function messagesIn(context: Context, since: number, until: number): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const id of await context.store.list("messages")) {
    const time = timeOf(id);
    if (time !== undefined && (time < since - MAX_CLOCK_LEAD || time > until + MAX_CLOCK_LEAD)) continue;
    const message = await readMessage(context.store, id);
    if (!message || !mayRead(context.session, message)) continue;
    const at = sentAt(message);
    if (at >= since && at <= until) found.push(entryOf(message, at));
  }
  return found;
}

function entryOf({ id, from_session, from_agent, to_session, kind, content }: Message, time: number): Entry {
  const at = new Date(time).toISOString();
  return {
    at,
    session: from_session,
    agent: from_agent,
    event: "message",
    id,
    to: to_session ?? "all",
    kind: kind ?? "info",
    text: content,
  };
}

const LATE = 60_000; // ms; what is written down later than this after it happened may be missed
const ALL = 100_000;

/**
 * Yields what happens, each thing once: what is not among `known`, the entries of at least the last minute; without it,
 * what happens from now on. Ends when `signal` aborts.
 */
export async function* follow(
  context: Context,
  signal: AbortSignal,
  known?: readonly Entry[],
): AsyncGenerator<Entry, void, void> {
  let since = context.now() - LATE;
  const look = async () => (await activity(context, { since, limit: ALL })).entries;
  const seen = new Map((known ?? (await look())).map((entry) => [JSON.stringify(entry), timeOfEntry(entry) ?? 0]));
  const hints = new Hints(context.store, ["activity", "messages"]);
  const stop = () => hints.end();
  signal.addEventListener("abort", stop);
  try {
    while (!signal.aborted) {
      const next = context.now() - LATE;
      for (const entry of await look()) {
        const key = JSON.stringify(entry);
        if (seen.has(key)) continue;
        seen.set(key, timeOfEntry(entry) ?? 0);
        yield entry;
      }
      since = next;
      for (const [key, time] of seen) if (time < since) seen.delete(key);
      await hints.next(LATE);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}

/** The whole life of one thing. */
export interface Explained {
  readonly id: string;
  readonly record?: Message | Task | Wait | Decision | undefined;
  readonly entries: readonly Entry[];
}

const WORDS = ["text", "title", "reason", "agent", "at", "event", "name", "state", "kind"]; // of an entry: no ids

/** What a message, task, claim, wait or decision is, and all that happened to it. Throws `not_found`. */
export async function explain(context: Context, word: string): Promise<Explained> {
  const id = await wholeId(context, word);
  const found = isSegment(id) ? await recordOf(context, id) : undefined;
  const since = (timeOf(id) ?? MAX_CLOCK_LEAD) - MAX_CLOCK_LEAD;
  const log = await entries(context, { since });
  const isAbout = (name: string, value: unknown) =>
    !WORDS.includes(name) && (value === id || (Array.isArray(value) && value.includes(id)));
  const about = log.entries.filter((entry) => Object.entries(entry).some(([name, value]) => isAbout(name, value)));
  if (found || about.length > 0) return { id, record: found, entries: about };
  throw new RelayError("not_found", `Cannot explain ${JSON.stringify(id.slice(0, 200))}: nothing here has that id`, {
    next: "agent-relay activity",
  });
}

const FOLDERS: Readonly<Record<string, string>> = {
  msg: "messages",
  task: "tasks",
  wait: "waits",
  decision: "decisions",
};

/** The one id that begins so; the word itself if there is none, or several. */
async function wholeId({ store }: Context, word: string): Promise<string> {
  const folder = FOLDERS[word.slice(0, word.indexOf("-"))];
  if (folder === undefined || word.length < 8) return word;
  const [found, another] = (await store.list(folder)).filter((id) => id.startsWith(word));
  return found === undefined || another !== undefined ? word : found;
}

async function recordOf(context: Context, id: string): Promise<Explained["record"]> {
  if (id.startsWith("task-")) return readTask(context, id);
  if (id.startsWith("wait-")) return readWait(context, id);
  if (id.startsWith("decision-")) return parsedOrSkipped(context.store, `decisions/${id}`, Decision);
  const message = await readMessage(context.store, id);
  return message && mayRead(context.session, message) ? message : undefined;
}

/** Who was here, who held what, and how the tasks stood at a time (Unix ms), as far as the log goes back. */
export async function stateAt(context: Context, time: number): Promise<PastState> {
  const log = await entries(context, { until: time });
  return stateAfter(log.entries, time);
}

function checkText(text: string, verb: string, most: number): string {
  if (!/\S/.test(text)) throw new RelayError("usage", `Cannot ${verb} nothing: give a text`);
  if (Buffer.byteLength(text) <= most) return text;
  throw new RelayError("limit", `Cannot ${verb} more than ${most} bytes`, {
    next: "write it to a file and name the file",
  });
}
