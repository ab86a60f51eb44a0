import { type ActivityEntry, type ActivityEvent, type Entry, timeOfEntry } from "../activity/entry.ts";
import { entries } from "../activity/log.ts";
import type { Context } from "../context.ts";
import { isAway } from "../errors.ts";
import { MAX_CLOCK_LEAD_MS, timeOf } from "../id.ts";
import { type Message, sentAt } from "../messages/message.ts";
import { proofWords } from "../messages/proof-words.ts";
import { isReadable, readMessage } from "../messages/records.ts";
import { ChangeWaiter } from "../store/changes.ts";
import { jsonText } from "../text.ts";
import { iso, timeAt, type When } from "../time.ts";

const DAY_MS = 86_400_000;

export interface ActivityOptions {
  /** Only what happened at this time or later; default a day ago. */
  readonly since?: When | undefined;
  /** Only what happened at this time or before; default now. */
  readonly until?: When | undefined;
  /** The most entries, the newest; default 50. */
  readonly limit?: number | undefined;
}

export interface ActivityList {
  readonly entries: readonly ActivityEntry[];
  /** Lines of the log that could not be read. */
  readonly torn: number;
  /** Whether there are older ones in the same time. */
  readonly has_more: boolean;
}

export interface EventsOptions<Event extends ActivityEvent = ActivityEvent> {
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined;
  /** Only these events; default all. */
  readonly types?: readonly Event[] | undefined;
  /** The entries that are known, of at least the last minute: they are not yielded again. Default: what was before. */
  readonly known?: readonly ActivityEntry[] | undefined;
}

/** What happened, with the messages this session may read, the oldest first. */
export async function activity(context: Context, options: ActivityOptions = {}): Promise<ActivityList> {
  const { limit = 50 } = options;
  const since = timeAt(options.since, context.now() - DAY_MS);
  const until = timeAt(options.until, Number.POSITIVE_INFINITY);
  const log = await entries(context, { since, until });
  const sent = await messagesIn(context, since, until);
  const all = [...log.entries, ...sent].sort((a, b) => (timeOfEntry(a) ?? 0) - (timeOfEntry(b) ?? 0));
  return { entries: all.slice(-limit) as ActivityEntry[], torn: log.torn, has_more: all.length > limit };
}

async function messagesIn(context: Context, since: number, until: number): Promise<Entry[]> {
  const found: Entry[] = [];
  for (const id of await context.store.list("messages")) {
    const time = timeOf(id);
    if (time !== undefined && (time < since - MAX_CLOCK_LEAD_MS || time > until + MAX_CLOCK_LEAD_MS)) continue;
    const message = await readMessage(context.store, id);
    if (!message || !isReadable(context, message)) continue;
    const at = sentAt(message);
    if (at >= since && at <= until) found.push(entryOf(message, at));
  }
  return found;
}

function entryOf(message: Message, time: number): Entry {
  const { id, from_session, from_agent, to_session, kind, content } = message;
  const proof = proofWords(message).join(", ");
  return {
    at: iso(time),
    session_id: from_session,
    agent_id: from_agent,
    event: "message",
    id,
    to: to_session ?? "all",
    kind: kind ?? "info",
    ...(proof !== "" && { proof }),
    text: content,
  };
}

const MAX_LATE_MS = 60_000; // an entry that is written later than this after it happened may be missed
const ALL = 100_000;

/**
 * Yields each new entry once. With `known`, the entries of at least the last minute, it yields those that are not among
 * them; without `known`, what happens from now on. Ends when `signal` aborts.
 */
export async function* follow(
  context: Context,
  { signal, known }: Pick<EventsOptions, "known"> & { readonly signal: AbortSignal },
): AsyncGenerator<ActivityEntry, void, void> {
  let since = context.now() - MAX_LATE_MS;
  const look = async () => (await activity(context, { since: new Date(since), limit: ALL })).entries;
  const seen = new Map((known ?? (await look())).map((entry) => [jsonText(entry), timeOfEntry(entry) ?? 0]));
  const hints = new ChangeWaiter(context.store, ["activity", "messages"]);
  const stop = () => hints.end();
  signal.addEventListener("abort", stop);
  try {
    while (!signal.aborted) {
      const next = context.now() - MAX_LATE_MS;
      for (const entry of await hints.throughOutages(look)) {
        const key = jsonText(entry);
        if (seen.has(key)) continue;
        seen.set(key, timeOfEntry(entry) ?? 0);
        yield entry;
      }
      since = next;
      for (const [key, time] of seen) if (time < since) seen.delete(key);
      await hints.next(MAX_LATE_MS);
    }
  } catch (error) {
    if (!isAway(error) || !signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    stop();
  }
}
