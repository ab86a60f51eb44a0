import { isSuperseded, register, touch } from "./attend.ts";
import { asFarAsPossible, type Context, readMessage } from "./context.ts";
import { RelayError } from "./errors.ts";
import { history } from "./history.ts";
import { COUNT_LIMIT, choose, type InboxItem, openMark, SHOW_LEASE, standing, unreadMark } from "./inbox.ts";
import { bootLook, foreignLook, isThere, lookEvery } from "./mend.ts";
import { type Message, order, sentAt } from "./message.ts";
import { isMirrored } from "./mirrored.ts";
import { stampRead } from "./receipts.ts";
import { type AgentView, agents, mine } from "./roster.ts";
import { type ShowLease, takeShowLease } from "./show-lease.ts";
import { isSegment } from "./store/key.ts";
import type { Store } from "./store/store.ts";
import { settleWaitsIfAny } from "./wait-marks.ts";

const PATIENCE = SHOW_LEASE + 1000; // ms: long enough to outlast a reader that stopped
const WATCH_PATIENCE = 500; // ms a watcher waits for another reader before it looks whether it was told to end
const DRAFT_PAUSES = [5, 20, 100]; // ms: a listed message that is still being written comes within these

export interface InboxOptions {
  /** The most messages to show and mark; default 10. */
  readonly limit?: number;
  /** Also those read before, and those this session sent: the newest `limit` in all. */
  readonly all?: boolean;
  /** Only messages sent after this (Unix ms). */
  readonly since?: number;
  /** Marks nothing. */
  readonly peek?: boolean;
  /**
   * Shows the messages and returns those it did show; only they are marked. What it throws marks none. Without it, they
   * count as shown when `inbox` returns.
   */
  readonly show?: (items: readonly InboxItem[], found: Inbox) => Promise<readonly InboxItem[]>;
  /** How long to wait for another reader of this session (ms); default 5,000. */
  readonly patience?: number;
}

export interface Inbox {
  readonly items: readonly InboxItem[];
  /** How many unread messages wait beyond these; 1,001 means more than 1,000. */
  readonly more: number;
  /** How many were shown before and still wait for an answer, beyond these. */
  readonly open_more: number;
}

/** What waits for this session, in order; what was shown is marked as read. Throws `conflict` while another shows it. */
export async function inbox(context: Context, options: InboxOptions = {}): Promise<Inbox> {
  const { limit = 10, show = async (items) => items } = options;
  if (!Number.isInteger(limit) || limit < 1)
    throw new RelayError("usage", `Cannot show ${limit} messages: give 1 or more`);
  const none: Inbox = { items: [], more: 0, open_more: 0 };
  if (!(await attend(context))) return { ...none, items: await show([], none) };
  if (options.peek) {
    const found = await gather(context, options, limit);
    return { ...found, items: await show(found.items, found) };
  }
  if (!options.all && !(await hasMarks(context))) return { ...none, items: await show([], none) };
  const lease = await takeShowLease(context, options.patience ?? PATIENCE);
  try {
    const found = await gather(context, options, limit);
    const shown = await show(found.items, found);
    for (const item of shown) if (item.is_new) await stampRead(context, item.message);
    const left = found.items.filter((item) => !shown.includes(item));
    const unread = left.filter((item) => item.is_new).length;
    return { items: shown, more: found.more + unread, open_more: found.open_more + left.length - unread };
  } finally {
    await lease.release();
  }
}

/** What waits unread, in order, marking nothing; at most 1,000. */
export async function unread(context: Context): Promise<Message[]> {
  await attend(context);
  return order((await waiting(context, COUNT_LIMIT)).messages);
}

/** How many messages wait unread; 1,001 means more than 1,000. */
export async function unreadCount(context: Context): Promise<number> {
  await attend(context);
  return countUnread(context);
}

/** `unreadCount` without a foreign look; of another session too, whose list is then left as it is. */
export async function countUnread(context: Context, session = context.session): Promise<number> {
  if (session !== context.session && context.store.unreadIn) return context.store.unreadIn(session);
  const { messages, hasMore } = await waiting({ ...context, session }, COUNT_LIMIT, session === context.session);
  return messages.length + Number(hasMore);
}

/** Everyone registered, the last seen first, with how much each has unread. */
export async function agentsWithUnread(context: Context): Promise<AgentView[]> {
  const views: AgentView[] = [];
  const isMirror = await isMirrored(context); // how much who is elsewhere has unread is known there
  for (const agent of await agents(context))
    views.push(
      isMirror && agent.owner !== undefined
        ? agent
        : { ...agent, unread: await countUnread(context, agent.session_id) },
    );
  return views;
}

/** Whether there is no such message: one that cannot be read, and cannot be set aside, is still there. */
async function isGone(store: Store, id: string): Promise<boolean> {
  if (!isSegment(id)) return true;
  try {
    return (await store.get(`messages/${id}`)) === undefined;
  } catch (error) {
    if (error instanceof RelayError && error.code === "corrupt") return false;
    throw error;
  }
}

export interface WatchOptions {
  /** Ends the watch. A message that is being dealt with holds the session's other readers up until it is. */
  readonly signal?: AbortSignal;
  /** False: the loop marks what it has dealt with itself, by `markRead`. Each message is yielded once per watch. Default true. */
  readonly mark?: boolean;
}

/**
 * Yields each unread message, those that wait first, then as they come. A message is marked as read when the loop asks
 * for the next one: one that was being dealt with when the loop ended stays unread.
 */
export async function* watch(context: Context, options: WatchOptions = {}): AsyncGenerator<Message, void, void> {
  const { store, session } = context;
  const end = new AbortController();
  const stop = () => end.abort();
  options.signal?.addEventListener("abort", stop);
  if (options.signal?.aborted) stop();
  const passed = new Set<string>();
  try {
    let due = Number.NEGATIVE_INFINITY;
    for await (const _ of store.watch(`inboxes/${session}`, end.signal)) {
      if (performance.now() > due) {
        await attend(context);
        due = performance.now() + (await lookEvery(context));
      }
      while (!end.signal.aborted && (await hasUnread(context, passed))) {
        const lease = await leaseOrBusy(context);
        if (!lease) continue; // another reader of this session shows what there is
        try {
          const { messages } = await waiting(context, passed.size + 100);
          const fresh = messages.filter(({ id }) => !passed.has(id));
          if (fresh.length === 0) break; // what is listed is still being written: its coming wakes us
          for (const message of order(fresh)) {
            passed.add(message.id);
            if ((await store.markedAt(unreadMark(session, message.id))) === undefined) continue; // shown by whom we started
            yield message;
            if (options.mark !== false) await stampRead(context, message);
            if (end.signal.aborted) return;
          }
        } finally {
          await lease.release();
        }
      }
    }
  } finally {
    options.signal?.removeEventListener("abort", stop);
    stop();
  }
}

/** The right to show, or undefined if another reader keeps it for a while. */
async function leaseOrBusy(context: Context): Promise<ShowLease | undefined> {
  try {
    return await takeShowLease(context, WATCH_PATIENCE);
  } catch (error) {
    if (error instanceof RelayError && error.code === "conflict") return undefined;
    throw error;
  }
}

/**
 * What every look begins with: mail that came past us, and a sign of life. Who looks for the first time is registered,
 * else it would miss what was said to everyone before. False if there is no relay to look into.
 */
async function attend(context: Context): Promise<boolean> {
  const agent = await mine(context);
  if (!agent && !(await isThere(context))) return false;
  await asFarAsPossible(() => bootLook(context));
  const isSame = agent && !isSuperseded(context, agent);
  await asFarAsPossible(() => (isSame ? foreignLook(context, "due") : register(context)));
  await asFarAsPossible(() => touch(context));
  await asFarAsPossible(() => settleWaitsIfAny(context));
  return true;
}

async function hasMarks({ store, session }: Context): Promise<boolean> {
  const folders = [`inboxes/${session}`, `inboxes/${session}/open`];
  for (const folder of folders) if ((await store.marks(folder, { limit: 1 })).length > 0) return true;
  return false;
}

async function hasUnread({ store, session }: Context, passed: ReadonlySet<string>): Promise<boolean> {
  return (await store.marks(`inboxes/${session}`)).some((id) => !passed.has(id));
}

/** What an inbox would show now, and how many more are unread. */
async function gather(context: Context, options: InboxOptions, limit: number): Promise<Inbox> {
  const { session, now } = context;
  const since = options.since ?? 0;
  const { messages, hasMore } = await waiting(context, COUNT_LIMIT + limit);
  const fresh = messages.filter((message) => sentAt(message) >= since);
  const rest = options.all
    ? await history(context, { limit, since })
    : (await open(context)).filter((message) => sentAt(message) >= since);
  const byId = new Map([...rest, ...fresh].map((message) => [message.id, message]));
  const items = order([...byId.values()]).map((message) => ({
    message,
    is_new: standing(session, message, now()) === "unread",
    is_open: standing(session, message, now()) === "open",
  }));
  const chosen = options.all ? items.slice(-limit) : choose(items, limit);
  const count = (of: readonly InboxItem[], what: "is_new" | "is_open") => of.filter((item) => item[what]).length;
  return {
    items: chosen,
    more: Math.min(COUNT_LIMIT + 1, fresh.length + Number(hasMore) - count(chosen, "is_new")),
    open_more: count(items, "is_open") - count(chosen, "is_open"),
  };
}

/** Up to `limit` unread messages, by name, and whether there are more. Takes off the list what is no longer unread. */
async function waiting(
  context: Context,
  limit: number,
  isOwn = true,
): Promise<{ messages: Message[]; hasMore: boolean }> {
  const { store, session, now } = context;
  const messages: Message[] = [];
  const pauses = [...DRAFT_PAUSES];
  for (const id of await store.marks(`inboxes/${session}`)) {
    if (messages.length === limit) return { messages, hasMore: true };
    const message = await listed(context, id, pauses);
    if (message === "coming") continue;
    const state = message === undefined ? "done" : standing(session, message, now());
    if (message && state === "unread") messages.push(message);
    else if (isOwn) {
      await asFarAsPossible(async () => {
        if (state === "open") await store.mark(openMark(session, id), now());
        await store.unmark(unreadMark(session, id));
      });
    }
  }
  return { messages, hasMore: false };
}

/** Messages that were shown and still wait for an answer. Takes off the list those that no longer do. */
async function open(context: Context): Promise<Message[]> {
  const { store, session, now } = context;
  const messages: Message[] = [];
  const pauses = [...DRAFT_PAUSES];
  for (const id of await store.marks(`inboxes/${session}/open`)) {
    const message = await listed(context, id, pauses);
    if (message === "coming") continue;
    const isOpen = message && standing(session, message, now()) === "open" && !(await hasYielded(context, message));
    if (isOpen) messages.push(message);
    else await asFarAsPossible(() => store.unmark(openMark(session, id)));
  }
  return messages;
}

/** Whether a request to yield asks for what this session holds no more; it is answered then. */
async function hasYielded(context: Context, message: Message): Promise<boolean> {
  if (message.kind !== "request-yield" || message.claims === undefined) return false;
  const { answerIfEnded } = await import("./yielding.ts");
  let isOver = false;
  await asFarAsPossible(async () => {
    isOver = await answerIfEnded(context, message);
  });
  return isOver;
}

/** The message an inbox lists; `coming` while it is still being written; undefined if it will not come. Waits as `pauses` says, once for a whole look. */
async function listed({ store }: Context, id: string, pauses: number[]): Promise<Message | "coming" | undefined> {
  for (;;) {
    const isDraft = await store.isDraft(`messages/${id}`); // looked at first: once it is gone, the message is there or never
    const message = await readMessage(store, id);
    if (message || (!isDraft && (await isGone(store, id)))) return message;
    const pause = pauses.shift();
    if (pause === undefined) return "coming";
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
