import { readMessage } from "../context.ts";
import { RelayError } from "../errors.ts";
import { timeOf } from "../id.ts";
import { openMark, staysOpen, unreadMark } from "../inbox.ts";
import { isUnread, Message } from "../message.ts";
import { isSegment } from "../store/key.ts";
import type { Delivery, Store } from "../store/store.ts";
import { mergedMessage, mergedReceipts } from "./merge.ts";
import type { Sides } from "./sides.ts";

const SLACK = 900_000; // ms by which ids of one place may be out of order
const AWAITED = 86_400_000; // ms for which receipts of others are asked for

/** What a mirror remembers of the messages it has passed on; all of it can be found out again. */
export interface Passed {
  /** Of ours: everything up to this time (Unix ms) was passed on, but for what is `held`. */
  until: number;
  /** Known to be on both sides. */
  readonly both: Set<string>;
  /** Of ours, sent to others, who may still say that they have read it: when it was asked for last (Unix ms). */
  readonly awaited: Map<string, number>;
}

/** Passes on what was sent here. What the server does not take is tried again, and told of. */
export async function pushMessages(sides: Sides, own: ReadonlySet<string>, passed: Passed): Promise<void> {
  const { local, now } = sides;
  let latest = passed.until;
  for (const id of await local.list("messages")) {
    const time = timeOf(id);
    if (time === undefined || time < passed.until - SLACK || passed.both.has(id)) continue;
    const message = await readMessage(local, id);
    if (!message || !own.has(message.from_session)) continue;
    await pushMessage(sides, message);
    passed.both.add(id);
    if (now() - time < AWAITED && !own.has(message.to_session ?? "")) passed.awaited.set(id, 0);
    latest = Math.max(latest, Math.min(time, now()));
  }
  passed.until = latest;
  for (const id of passed.both) if ((timeOf(id) ?? 0) < passed.until - 2 * SLACK) passed.both.delete(id);
}

async function pushMessage({ remote }: Sides, message: Message): Promise<void> {
  const { id, from_session: from, to_session: to, thread } = message;
  const store = remote(from);
  if (await store.get(`messages/${id}`)) return;
  if (thread !== undefined && isSegment(thread)) await store.mark(`threads/${thread}/${id}`);
  const { receipts: _, withdrawn_at: __, ...said } = message;
  try {
    await store.publish(`messages/${id}`, { ...said, read_by: [from] }, deliveryFor(to, from));
  } catch (error) {
    // Its answer may have been lost; sealed anew, it is not the same to the server, but it is there.
    if (!(error instanceof RelayError) || error.code !== "conflict" || !(await store.get(`messages/${id}`)))
      throw error;
  }
}

function deliveryFor(to: string | null, from: string): Delivery {
  return to === null ? { inboxes: [], index: "all", everyoneIn: "agents", except: from } : { inboxes: [to] };
}

/** Brings what waits there for a session of ours into its inbox here, and says there what was read here. */
export async function exchangeInbox(sides: Sides, session: string): Promise<void> {
  const { local, remote, now } = sides;
  const there = remote(session);
  const waiting = [...(await there.marks(`inboxes/${session}`)), ...(await there.marks(`inboxes/${session}/open`))];
  for (const id of new Set(waiting)) {
    const here = await readMessage(local, id);
    if (here && !isUnread(session, here, now())) await pushReceipt(there, session, here, now());
    else if (!here) await deliver(local, there, session, id);
    else if ((await local.markedAt(unreadMark(session, id))) === undefined)
      await local.mark(unreadMark(session, id), now());
  }
  // What waits here and not there was taken back, or has run out: the message says so.
  for (const id of await local.marks(`inboxes/${session}`))
    if (!waiting.includes(id)) await pullChanges(local, there, id);
}

/** Writes a message where its reader here finds it: pointers first, as each message is. */
async function deliver(local: Store, there: Store, session: string, id: string): Promise<void> {
  const message = await readMessage(there, id);
  if (!message) return; // it is still being written, or was collected
  const { thread } = message;
  if (thread !== undefined && isSegment(thread)) await local.mark(`threads/${thread}/${id}`);
  const index = message.to_session === null ? { index: "all" } : {};
  await local.publish(`messages/${id}`, message, { inboxes: [session], ...index });
}

/** Says there what a session has done with a message here. */
async function pushReceipt(there: Store, session: string, here: Message, now: number): Promise<void> {
  const key = `messages/${here.id}`;
  await there.update(key, (value) => {
    if (value === undefined) return undefined; // collected: nothing is left to say
    const old = Message.parse(value, key);
    const read_by = old.read_by.includes(session) ? old.read_by : [...old.read_by, session];
    const receipts = mergedReceipts(old.receipts, receiptOf(here, session));
    const isSaid = read_by === old.read_by && JSON.stringify(receipts) === JSON.stringify(old.receipts);
    return isSaid ? value : { ...value, read_by, ...(receipts && { receipts }) };
  });
  if (staysOpen(session, here, now) && here.receipts?.[session]?.acked_at === undefined)
    await there.mark(openMark(session, here.id));
  else await there.unmark(openMark(session, here.id));
  await there.unmark(unreadMark(session, here.id));
}

/** What a session has said of a message, and nothing that others have. */
function receiptOf({ receipts }: Message, session: string): Message["receipts"] {
  return receipts && Object.hasOwn(receipts, session) ? { [session]: receipts[session] ?? {} } : undefined;
}

/** Asks who has read what was sent here, the less often the longer it takes. */
export async function pullReceipts(sides: Sides, passed: Passed): Promise<void> {
  const { local, remote, now } = sides;
  for (const [id, asked] of passed.awaited) {
    const age = now() - (timeOf(id) ?? 0);
    if (age > AWAITED) passed.awaited.delete(id);
    if (now() - asked < Math.min(600_000, age / 10)) continue;
    passed.awaited.set(id, now());
    const here = await readMessage(local, id);
    if (!here) passed.awaited.delete(id);
    else await pullChanges(local, remote(here.from_session), id);
  }
}

/** Notes here what has become of a message there. */
async function pullChanges(local: Store, there: Store, id: string): Promise<void> {
  const key = `messages/${id}`;
  const now = await readMessage(there, id);
  if (!now) return;
  await local.update(key, (value) => {
    if (value === undefined) return undefined;
    const old = Message.parse(value, key);
    const merged = mergedMessage(old, { ...old, ...changingOf(now) });
    return JSON.stringify(merged) === JSON.stringify(old) ? value : merged;
  });
}

function changingOf({ read_by, receipts, withdrawn_at }: Message): Partial<Message> {
  return {
    read_by,
    ...(receipts !== undefined && { receipts }),
    ...(withdrawn_at !== undefined && { withdrawn_at }),
  };
}
