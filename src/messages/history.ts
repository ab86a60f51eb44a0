import type { Context } from "../context.ts";
import { MAX_CLOCK_LEAD_MS, timeOf } from "../id.ts";
import { isSegment } from "../store/key.ts";
import { eachReadable } from "../store/read.ts";
import { timeAt, type When } from "../time.ts";
import { type Message, mayRead, sentAt } from "./message.ts";
import { order } from "./order.ts";
import { isReadable, messageFor, readMessage } from "./records.ts";

export interface HistoryOptions {
  /** The most messages; default 20, the newest. */
  readonly limit?: number | undefined;
  /** Only those to or from this session. */
  readonly with?: string | undefined;
  /** Only messages sent at this time or later. */
  readonly since?: When | undefined;
}

/** Some of the messages that there are. */
export interface MessageList {
  /** In the order of the conversation, the oldest first. */
  readonly messages: readonly Message[];
  /** Whether there are more than these. */
  readonly has_more: boolean;
}

/** Messages this session may read, in order, the newest `limit`; marks nothing. */
export async function history(context: Context, options: HistoryOptions = {}): Promise<MessageList> {
  const { limit = 20 } = options;
  const since = timeAt(options.since, 0);
  const found: Message[] = [];
  let ours = 0;
  // Foreign ids carry no time, so all of those messages are read; ours are read from the newest on.
  const isTooMuch = (time: number | undefined) =>
    time !== undefined && (time < since - MAX_CLOCK_LEAD_MS || ours > limit); // one more, which tells that there are more
  const read = async (id: string) => (isTooMuch(timeOf(id)) ? undefined : readMessage(context.store, id));
  const ids = await context.store.list("messages", { reverse: true });
  for await (const [id, message] of eachReadable(context.store, ids, read)) {
    if (!message || !mayRead(context.session, message) || sentAt(message) < since || !isWith(options.with, message))
      continue;
    found.push(message);
    if (timeOf(id) !== undefined) ours++;
  }
  return { messages: order(found).slice(-limit), has_more: found.length > limit };
}

/** A whole conversation, by the id of any message in it, in order. Throws `not_found`. */
export async function thread(context: Context, id: string): Promise<Message[]> {
  const { store } = context;
  const one = await messageFor(context, id);
  const root = one.thread ?? one.id;
  const ids = new Set([root, one.id, ...(isSegment(root) ? await store.marks(`threads/${root}`) : [])]);
  const messages: Message[] = [];
  for await (const [, message] of eachReadable(store, ids, (each) => readMessage(store, each)))
    if (message && isReadable(context, message)) messages.push(message);
  return order(messages);
}

function isWith(session: string | undefined, message: Message): boolean {
  return session === undefined || message.from_session === session || message.to_session === session;
}
