import type { Hears } from "../agents/agent.ts";
import { lookNote, noteLook } from "../agents/hearing.ts";
import { isSuperseded, register, touch } from "../agents/register.ts";
import { mine } from "../agents/registry.ts";
import { asFarAsPossible, type Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { isThere } from "../project/trust.ts";
import { besides } from "../store/read.ts";
import { timeAt, type When } from "../time.ts";
import { tellSenderOfBroken } from "./broken.ts";
import { news } from "./catch-up.ts";
import { relistAfterBoot, scanForForeign } from "./discover.ts";
import { history, type MessageList } from "./history.ts";
import { countUnread, DRAFT_PAUSES_MS, readListed, unreadMessages } from "./mailbox.ts";
import { type Message, sentAt } from "./message.ts";
import {
  choose,
  type InboxItem,
  lowestRanked,
  MAX_COUNTED,
  messageState,
  openPointer,
  READER_LEASE_MS,
} from "./message-state.ts";
import { order } from "./order.ts";
import { noteQuiet } from "./quiet.ts";
import { takeReaderLease } from "./reader-lease.ts";
import { stampRead } from "./receipts.ts";

const DEFAULT_PATIENCE_MS = READER_LEASE_MS + 1000; // outlasts the lease of a reader that stopped

const MAX_OUT_OF_ORDER = 32; // messages that a conversation may put before others with older ids

export interface InboxOptions {
  /** The most messages to show and mark; default 10. */
  readonly limit?: number | undefined;
  /**
   * Shows the messages of the lowest rank, and of those of one rank the oldest, in this order; leaves out those without
   * one. By default all are shown in the order of the conversation, the oldest first.
   */
  readonly rank?: (item: InboxItem) => number | undefined;
  /** Also messages read before, and those this session sent: the newest `limit` in all. */
  readonly all?: boolean | undefined;
  /** Only messages sent at this time or later. */
  readonly since?: When | undefined;
  /** Marks nothing. */
  readonly peek?: boolean | undefined;
  /**
   * Shows the messages and returns those it did show; only they are marked. If it throws, none is marked. Without it,
   * the messages count as shown when `inbox` returns.
   */
  readonly show?: ((items: readonly InboxItem[], found: Inbox) => Promise<readonly InboxItem[]>) | undefined;
  /** Whether a session that is not registered becomes so: false where somebody only looks by its name. Default true. */
  readonly registers?: boolean | undefined;
  /** What looks: others see what tells a session of its mail. Default `itself`. */
  readonly by?: keyof Hears | undefined;
  /** Ends the wait for another reader of this session, by its reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for another reader of this session, ms; default 6,000. */
  readonly patienceMs?: number | undefined;
}

export interface Inbox {
  /** True: no session of that id is registered. It is shown what waits for it and the last broadcasts, and none is marked. */
  readonly is_unknown?: true;
  /** What is shown, in the order of the conversation. */
  readonly items: readonly InboxItem[];
  /** The ids of messages to this session that are broken, and were set aside: its sender is told. */
  readonly broken?: readonly string[];
  /** How many unread messages wait beyond these; 1,001 means more than 1,000. */
  readonly more: number;
  /** How many messages that were shown before still wait for an answer, beyond these. */
  readonly open_more: number;
}

/** Shows and marks this session's unread and open messages, in order. Throws `conflict` while another reader does. */
export async function inbox(context: Context, options: InboxOptions = {}): Promise<Inbox> {
  const { limit = 10, show = async (items) => items } = options;
  if (!Number.isInteger(limit) || limit < 1)
    throw new RelayError("usage", `Cannot show ${limit} messages: give 1 or more`);
  const none: Inbox = { items: [], more: 0, open_more: 0 };
  const by = options.by ?? "itself";
  const reader = await beginReading(context, { registers: options.registers ?? true });
  if (reader === "nowhere") return { ...none, items: await show([], none) };
  if (options.peek || reader === "unknown") {
    const seen = await collect(context, options, limit, reader);
    const found: Inbox = reader === "unknown" ? { ...seen, is_unknown: true } : seen;
    return { ...found, items: await show(found.items, found) };
  }
  const agent = await mine(context);
  if (!options.all && !(await hasMarks(context))) {
    await asFarAsPossible(() => noteLook(context, by, agent));
    const looked = lookNote(context, by, agent).size > 0 ? undefined : Date.parse(agent?.hears?.itself ?? "") || 0;
    if (by === "itself") await asFarAsPossible(() => noteQuiet(context, "inbox", looked));
    return { ...none, items: await show([], none) };
  }
  const lease = await takeReaderLease(context, options.patienceMs ?? DEFAULT_PATIENCE_MS, options.signal);
  try {
    const found = await collect(context, options, limit, reader);
    const shown = await show(found.items, found);
    const fresh = shown.filter((item) => item.is_new).map(({ message }) => message);
    await stampRead(context, fresh, lookNote(context, by, agent));
    const left = found.items.filter((item) => !shown.includes(item));
    const unread = left.filter((item) => item.is_new).length;
    return { ...found, items: shown, more: found.more + unread, open_more: found.open_more + left.length - unread };
  } finally {
    await lease.release();
  }
}

export interface UnreadOptions {
  /** The ids of messages that are passed over: who was told of them does not pay for them again. */
  readonly except?: ReadonlySet<string> | undefined;
}

/** The unread messages, in order, at most 1,000: of more, the direct ones come before broadcasts. Marks nothing. */
export async function unread(context: Context, { except = new Set() }: UnreadOptions = {}): Promise<MessageList> {
  const reader = await beginReading(context);
  const scan = { isUrgent: true, isOwn: reader === "registered", except };
  const { messages, rest } = await unreadMessages(context, MAX_COUNTED, scan);
  const more = (await unlistedNews(context, reader, messages)).filter(({ id }) => !except.has(id));
  return { messages: order([...messages, ...more]), has_more: rest > 0 };
}

/** The number of unread messages; 1,001 means more than 1,000. */
export async function unreadCount(context: Context): Promise<number> {
  const reader = await beginReading(context);
  if (reader !== "unknown") {
    const count = await countUnread(context);
    if (count === 0 && reader === "registered") await asFarAsPossible(() => noteQuiet(context, "unread"));
    return count;
  }
  return Math.min(MAX_COUNTED + 1, (await unread(context)).messages.length);
}

/** Who reads: a registered session, one that is not, or any where there is no relay to read. */
type Reader = "registered" | "unknown" | "nowhere";

/**
 * The start of every read: lists foreign messages, renews the sign of life, settles waits. Registers a session that is
 * not registered if it `registers`, and else nobody: a look by a wrong name would leave an agent that nobody is. Notes what
 * looks, if that marks what it sees.
 */
export async function beginReading(
  context: Context,
  { registers = false, by }: { registers?: boolean; by?: keyof Hears | undefined } = {},
): Promise<Reader> {
  const agent = await mine(context);
  if (!agent && !(await isThere(context))) return "nowhere";
  await asFarAsPossible(() => relistAfterBoot(context));
  const isKnown = agent !== undefined || registers;
  const isSame = agent ? !isSuperseded(context, agent) : !registers;
  await asFarAsPossible(() => (isSame ? scanForForeign(context, "due") : register(context)));
  if (isKnown) await asFarAsPossible(() => touch(context));
  if (isKnown && by) await asFarAsPossible(() => noteLook(context, by, agent));
  await asFarAsPossible(() => besides(context.store, () => context.settle()));
  return isKnown ? "registered" : "unknown";
}

/** The broadcasts of the last day that an unregistered session's inbox does not list. */
async function unlistedNews(context: Context, reader: Reader, listed: readonly Message[]): Promise<Message[]> {
  if (reader !== "unknown") return [];
  const known = new Set(listed.map(({ id }) => id));
  return (await news(context)).filter(({ id }) => !known.has(id));
}

async function hasMarks({ store, session }: Context): Promise<boolean> {
  const folders = [`inboxes/${session}`, `inboxes/${session}/open`];
  for (const folder of folders) if ((await store.marks(folder, { limit: 1 })).length > 0) return true;
  return false;
}

/** The items an inbox would show now, and how many more are unread or open. */
async function collect(context: Context, options: InboxOptions, limit: number, reader: Reader): Promise<Inbox> {
  const { session, now } = context;
  const since = timeAt(options.since, 0);
  const isUrgent = options.rank !== undefined;
  const isOwn = reader === "registered";
  const most = limit + (isUrgent ? MAX_COUNTED : MAX_OUT_OF_ORDER);
  const { messages, rest, unreadable, broken } = await unreadMessages(context, most, { isUrgent, isOwn, since });
  for (const id of broken) await asFarAsPossible(() => tellSenderOfBroken(context, id));
  const all = [...messages, ...(await unlistedNews(context, reader, messages))];
  const fresh = all.filter((message) => sentAt(message) >= since);
  const others = options.all
    ? (await history(context, { limit, since: options.since })).messages
    : (isOwn ? await open(context) : []).filter((message) => sentAt(message) >= since);
  const byId = new Map([...others, ...fresh].map((message) => [message.id, message]));
  const items = order([...byId.values()]).map((message) => ({
    message,
    is_new: messageState(session, message, now()) === "unread",
    is_open: messageState(session, message, now()) === "open",
  }));
  const chosen = options.rank
    ? lowestRanked(items, options.rank, limit)
    : options.all
      ? items.slice(-limit)
      : choose(items, limit);
  const count = (of: readonly InboxItem[], what: "is_new" | "is_open") => of.filter((item) => item[what]).length;
  return {
    items: chosen,
    ...(broken.length > 0 && { broken }),
    more: Math.min(MAX_COUNTED + 1, fresh.length + rest + unreadable - count(chosen, "is_new")),
    open_more: count(items, "is_open") - count(chosen, "is_open"),
  };
}

/** The messages that were shown and still wait for an answer. Takes the others off the list of open ones. */
async function open(context: Context): Promise<Message[]> {
  const { store, session, now } = context;
  const messages: Message[] = [];
  const pauses = [...DRAFT_PAUSES_MS];
  for (const id of await store.marks(`inboxes/${session}/open`)) {
    const message = await readListed(context, id, pauses);
    if (message === "coming" || message === "unreadable") continue;
    const isOpen = message && messageState(session, message, now()) === "open" && !(await hasYielded(context, message));
    if (isOpen) messages.push(message);
    else await asFarAsPossible(() => store.unmark(openPointer(session, id)));
  }
  return messages;
}

/** Whether this session no longer holds what a request to yield asks for. Answers the request if so. */
async function hasYielded(context: Context, message: Message): Promise<boolean> {
  if (message.kind !== "request-yield" || message.claims === undefined) return false;
  const { answerIfEnded } = await import("./yields.ts");
  let isOver = false;
  await asFarAsPossible(async () => {
    isOver = await answerIfEnded(context, message);
  });
  return isOver;
}
