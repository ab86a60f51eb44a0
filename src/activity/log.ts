import { asFarAsPossible, type Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { checkText, MAX_TEXT_BYTES } from "../limits.ts";
import { dayOf, iso } from "../time.ts";
import { Entry, timeOfEntry } from "./entry.ts";

/** An event, without the time, session and agent that the context adds. */
export interface Happening {
  readonly event: string;
  readonly id?: string | undefined;
  readonly [detail: string]: unknown;
}

/** Adds events to the log. Where the disk has no room for a line, nothing is thrown: the event has happened anyway. */
export async function record(context: Context, ...happenings: readonly Happening[]): Promise<void> {
  for (const happening of happenings) await asFarAsPossible(() => write(context, happening));
}

/** Adds an event that is recorded nowhere else. Throws where the disk has no room for it. */
export async function write({ store, session, agent, now }: Context, happening: Happening): Promise<void> {
  const time = now();
  const entry = { at: iso(time), session_id: session, agent_id: agent, ...happening };
  await store.append(`activity/${dayOf(time)}`, entry);
}

export interface Span {
  /** Unix ms; only what happened at it or later. */
  readonly since?: number | undefined;
  /** Unix ms; only what happened at it or earlier. */
  readonly until?: number | undefined;
}

/** What happened in a span of time, the oldest first, and how many lines could not be read. */
export async function entries(context: Context, span: Span = {}): Promise<{ entries: Entry[]; torn: number }> {
  const { store } = context;
  const { since = 0, until = Number.POSITIVE_INFINITY } = span;
  const found: Entry[] = [];
  let torn = 0;
  for (const day of await store.logs("activity")) {
    if (day < dayOf(since) || (Number.isFinite(until) && day > dayOf(until))) continue;
    for await (const line of store.lines(`activity/${day}`)) {
      const entry = parsed(line);
      const time = entry && timeOfEntry(entry);
      if (!entry || time === undefined) torn++;
      else if (time >= since && time <= until) found.push(entry);
    }
  }
  return { entries: found, torn };
}

function parsed(line: unknown): Entry | undefined {
  try {
    return line === undefined ? undefined : Entry.parse(line, "activity");
  } catch (error) {
    if (error instanceof RelayError) return undefined;
    throw error;
  }
}

/** Notes in the log which files this session has written. */
export async function noteEdit(context: Context, files: readonly string[]): Promise<void> {
  await record(context, { event: "edit", files });
}

/** Writes a note to the log. */
export async function note(context: Context, text: string, file?: string): Promise<void> {
  await write(context, { event: "note", text: checkText(text, "log", MAX_TEXT_BYTES), file });
}
