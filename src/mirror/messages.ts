import { OFFERED } from "../collected.ts";
import { readMessage } from "../context.ts";
import { RelayError } from "../errors.ts";
import { idFor, timeOf } from "../id.ts";
import { openMark, staysOpen, unreadMark } from "../inbox.ts";
import { isLive, isOpen, isUnread, Message, type Receipt, sentAt } from "../message.ts";
import { isSegment } from "../store/key.ts";
import type { Delivery, Store } from "../store/store.ts";
import { mergedMessage, mergedReceipts } from "./merge.ts";
import { hasLeft } from "./registrations.ts";
import { digest, forEach, isOurs, type Sides, spared } from "./sides.ts";

const SLACK = 900_000; // ms by which ids of one place may be out of order
const LATER = 600_000; // ms after which a message that the server does not take is tried again

/** What a mirror remembers of the messages it has passed on; all of it can be found out again. */
export interface Passed {
  /** Everything up to this time (Unix ms) was looked at since the start, and passed on, but for what is in `refused`. */
  until: number;
  /** Known to be on both sides. */
  readonly both: Set<string>;
  /** Sessions of whose messages it was asked, since the start, which are on the server. */
  readonly listed: Set<string>;
  /** There, and of no use here: they have run out, or were collected. */
  readonly useless: Set<string>;
  /** Of ours, which the server does not take: when it was asked last (Unix ms). */
  readonly refused: Map<string, number>;
  /** Who reads them may still tell: when that was asked for last (Unix ms). */
  readonly awaited: Map<string, number>;
  /** The ids here of those that have another there. */
  readonly renamed: Map<string, string>;
  /** What waited for each session here when it was looked at last. */
  readonly waiting: Map<string, ReadonlySet<string>>;
}

/** Passes on what was sent here. What the server does not take is tried again, and told of. */
export async function pushMessages(
  sides: Sides,
  ours: ReadonlySet<string>,
  passed: Passed,
  isCollected: (key: string) => boolean,
): Promise<void> {
  const { local, now } = sides;
  const oldest = now() - OFFERED;
  if (passed.until > now()) passed.until = 0; // the clock was set back
  let latest = passed.until;
  for (const id of await local.list("messages")) {
    const time = timeOf(id);
    const isPast = time !== undefined && time < Math.max(oldest, passed.until - SLACK);
    if ((isPast && !passed.refused.has(id)) || passed.both.has(id) || isCollected(`messages/${id}`)) continue;
    if ((passed.refused.get(id) ?? 0) > now() - LATER) continue;
    const message = await readMessage(local, id);
    if (time !== undefined) latest = Math.max(latest, Math.min(time, now()));
    if (!message || sentAt(message) < oldest || !isLive(message, now())) continue;
    const { from_session: from, from_agent, to_session: to } = message;
    if (from === "system" || (!ours.has(from) && !(await hasLeft(sides, from, from_agent)))) continue;
    if (time === undefined) passed.renamed.set(thereOf(message), id);
    if ((await isListed(sides, message, passed)) || (await isTaken(sides, message, passed))) {
      if (to === null) await unlistForOthers(sides, id);
      passed.both.add(id);
      passed.awaited.set(id, 0);
    }
  }
  passed.until = latest;
  for (const id of passed.both) if ((timeOf(id) ?? passed.until) < passed.until - 2 * SLACK) passed.both.delete(id);
}

/** Whether the server has it: at the start that is asked once for all messages of a session. */
async function isListed({ remote }: Sides, message: Message, { both, listed }: Passed): Promise<boolean> {
  const { from_session: from } = message;
  if (!listed.has(from)) {
    listed.add(from);
    for (const id of await remote(from).list("messages")) both.add(id);
  }
  return both.has(thereOf(message));
}

/** Who is elsewhere reads it there: it does not wait for them here, where they would never be seen to have read it. */
async function unlistForOthers(sides: Sides, id: string): Promise<void> {
  for (const session of await sides.local.list("agents"))
    if (!(await isOurs(sides, session))) await sides.local.unmark(unreadMark(session, id));
}

/** False for what the server refuses, which nobody there gets: a person is told of it. */
async function isTaken(sides: Sides, message: Message, { refused }: Passed): Promise<boolean> {
  try {
    await pushMessage(sides, message);
    refused.delete(message.id);
    return true;
  } catch (error) {
    if (!(error instanceof RelayError) || ["failed", "timed_out"].includes(error.code)) throw error;
    if (!refused.has(message.id)) sides.notice(`message ${message.id} is not passed on yet: ${error.message}`);
    refused.set(message.id, sides.now());
    return false;
  }
}

async function pushMessage({ remote }: Sides, message: Message): Promise<void> {
  const { from_session: from, to_session: to, thread } = message;
  const id = thereOf(message);
  const store = remote(from);
  if (await store.get(`messages/${id}`)) return;
  if (thread !== undefined && isSegment(thread)) await store.mark(`threads/${thread}/${id}`);
  const { receipts: _, ...said } = message;
  try {
    await store.publish(`messages/${id}`, { ...said, id, read_by: [from] }, deliveryFor(to, from));
  } catch (error) {
    // Its answer may have been lost; sealed anew, it is not the same to the server, but it is there.
    if (!(error instanceof RelayError) || error.code !== "conflict" || !(await store.get(`messages/${id}`)))
      throw error;
  }
}

/** The id that a message has on the server, where one that another program made would not be one. */
export function thereOf(message: Message): string {
  if (timeOf(message.id) !== undefined) return message.id;
  return idFor("msg", sentAt(message), digest(message.id));
}

function deliveryFor(to: string | null, from: string): Delivery {
  return to === null ? { inboxes: [], index: "all", everyoneIn: "agents", except: from } : { inboxes: [to] };
}

/** Brings what waits there for a session of ours into its inbox here, and says there what was read here. */
export async function exchangeInbox(
  sides: Sides,
  session: string,
  passed: Passed,
  isCollected: (key: string) => boolean,
): Promise<void> {
  const { local, remote, now } = sides;
  const there = remote(session);
  const listed = [...(await there.marks(`inboxes/${session}`)), ...(await there.marks(`inboxes/${session}/open`))];
  const waitingThere = new Set(listed.map((id) => passed.renamed.get(id) ?? id));
  await forEach(waitingThere, async (id) => {
    await spared(sides, `message ${id}`, () => exchangeOne(id));
  });
  async function exchangeOne(id: string): Promise<void> {
    const here = await readMessage(local, id);
    if (here && !isUnread(session, here, now())) await pushReceipt(there, session, here, now());
    else if (!here && isCollected(`messages/${id}`)) {
      // It was read here, or had run out, and is not needed any more.
      await there.unmark(openMark(session, id));
      await there.unmark(unreadMark(session, id));
    } else if (!here) {
      await deliver(sides, there, session, id, passed);
    } else if ((await local.markedAt(unreadMark(session, id))) === undefined)
      await local.mark(unreadMark(session, id), now());
  }
  const waitingHere = new Set(await local.marks(`inboxes/${session}`));
  // What waits here and not there was taken back, or has run out: the message says so.
  await forEach(waitingHere, async (id) => {
    if (!waitingThere.has(id)) await pullChanges(sides, there, id);
  });
  for (const id of passed.waiting.get(session) ?? []) {
    const here = waitingHere.has(id) || waitingThere.has(id) ? undefined : await readMessage(local, id);
    if (here) await pushReceipt(there, session, here, now());
  }
  passed.waiting.set(session, waitingHere);
}

/** Writes a message where its reader here finds it: pointers first, as each message is. */
async function deliver(
  { local, now }: Sides,
  there: Store,
  session: string,
  id: string,
  passed: Passed,
): Promise<void> {
  const message = await readMessage(there, id);
  if (!message) return; // it is still being written, or was collected
  if (!isLive(message, now())) {
    await there.unmark(unreadMark(session, id));
    await there.unmark(openMark(session, id));
    return;
  }
  await bring(local, message, [session], passed);
  passed.awaited.set(id, 0);
}

/** Writes a message of elsewhere here, listed for these. */
export async function bring(
  local: Store,
  given: Message,
  inboxes: readonly string[],
  { renamed }: Passed,
): Promise<void> {
  const reply_to = renamed.get(given.reply_to ?? "");
  const message = reply_to === undefined ? given : { ...given, reply_to };
  const { id, thread } = message;
  if (thread !== undefined && isSegment(thread)) await local.mark(`threads/${thread}/${id}`);
  const index = message.to_session === null ? { index: "all" } : {};
  try {
    await local.publish(`messages/${id}`, message, { inboxes, ...index });
  } catch (error) {
    // Another session of ours was given it meanwhile.
    if (!(error instanceof RelayError) || error.code !== "conflict" || !(await readMessage(local, id))) throw error;
    for (const session of inboxes) await local.mark(unreadMark(session, id));
  }
}

/** Says there what a session has done with a message here. */
async function pushReceipt(there: Store, session: string, here: Message, now: number): Promise<void> {
  const id = thereOf(here);
  const key = `messages/${id}`;
  await there.update(key, (value) => {
    if (value === undefined) return undefined; // collected: nothing is left to say
    const old = Message.parse(value, key);
    const isNew = here.read_by.includes(session) && !old.read_by.includes(session);
    const read_by = isNew ? [...old.read_by, session] : old.read_by;
    const own = mergedReceipts(receiptOf(old, session), receiptOf(here, session));
    const isSaid = read_by === old.read_by && JSON.stringify(own) === JSON.stringify(receiptOf(old, session));
    return isSaid ? value : { ...value, read_by, ...(own && { receipts: { ...Object(value.receipts), ...own } }) };
  });
  if (staysOpen(session, here, now) && here.receipts?.[session]?.acked_at === undefined)
    await there.mark(openMark(session, id));
  else await there.unmark(openMark(session, id));
  await there.unmark(unreadMark(session, id));
}

/** What a session has said of a message, and nothing that others have. */
function receiptOf({ receipts }: Message, session: string): Message["receipts"] {
  return receipts && Object.hasOwn(receipts, session) ? { [session]: receipts[session] ?? {} } : undefined;
}

const SOON = 86_400_000; // ms for which it is asked often who has read a message
const AT_LEAST = 600_000; // ms between two questions, then ...
const RARELY = 3_600_000; // ... and after that

/** Tells of what was read or taken back here, and asks who has read it there: the less often the longer it takes. */
export async function exchangeReceipts(
  sides: Sides,
  ours: ReadonlySet<string>,
  passed: Passed,
  hasChanged: boolean,
): Promise<void> {
  const { local, now } = sides;
  const isDue = ([id, asked]: [string, number]) => {
    const age = now() - (timeOf(id) ?? now());
    return now() - asked >= (age > SOON ? RARELY : Math.min(AT_LEAST, age / 5));
  };
  const entries = [...passed.awaited];
  await forEach(hasChanged ? entries : entries.filter(isDue), async ([id, asked]) => {
    const here = await readMessage(local, id);
    const isOver = !here || now() - sentAt(here) > OFFERED || isSettled(here, now());
    const isNews = here?.withdrawn_at !== undefined && !passed.useless.has(id);
    if (here && (isOver || isNews || isDue([id, asked])))
      await spared(sides, `message ${id}`, () => exchangeReceipt(sides, ours, here));
    if (isNews) passed.useless.add(id);
    if (isOver) passed.awaited.delete(id);
    else if (isDue([id, asked])) passed.awaited.set(id, now());
  });
}

async function exchangeReceipt(sides: Sides, ours: ReadonlySet<string>, here: Message): Promise<void> {
  const { from_session: from, to_session: to } = here;
  const isFromHere = ours.has(from) || (await isOurs(sides, from));
  const store = sides.remote(isFromHere ? from : (to ?? ""));
  if (isFromHere && here.withdrawn_at !== undefined) await pushWithdrawal(store, here);
  const there = await pullChanges(sides, store, here.id);
  for (const reader of there ? here.read_by : [])
    if (reader !== from && ours.has(reader) && !there?.read_by.includes(reader))
      await pushReceipt(sides.remote(reader), reader, here, sides.now());
}

/** Nothing more becomes of a direct message that was read and asks for nothing, and of a broadcast after a day. */
export function isSettled(message: Message, now: number): boolean {
  const to = message.to_session;
  return to === null ? now - sentAt(message) > SOON : message.read_by.includes(to) && !isOpen(to, message, now);
}

async function pushWithdrawal(there: Store, here: Message): Promise<void> {
  await there.update(`messages/${thereOf(here)}`, (value) =>
    value === undefined || value.withdrawn_at !== undefined ? value : { ...value, withdrawn_at: here.withdrawn_at },
  );
  for (const inbox of here.to_session === null ? ["all"] : [here.to_session])
    await there.unmark(unreadMark(inbox, thereOf(here)));
}

/** Notes here what has become of a message there. Returns it as it is there. What sessions of ours did is known here. */
export async function pullChanges(sides: Sides, store: Store, id: string): Promise<Message | undefined> {
  const { local } = sides;
  const key = `messages/${id}`;
  const here = await readMessage(local, id);
  const there = here && (await readMessage(store, thereOf(here)));
  if (!there) return undefined;
  const others: string[] = [];
  for (const reader of new Set([...there.read_by, ...Object.keys(there.receipts ?? {})]))
    if (!(await local.get(`agents/${reader}`)) || !(await isOurs(sides, reader))) others.push(reader);
  const said: Message = {
    ...there,
    read_by: there.read_by.filter((reader) => others.includes(reader)),
    ...(there.receipts && { receipts: Object.fromEntries(others.flatMap((reader) => receiptEntry(there, reader))) }),
  };
  await local.update(key, (value) => {
    if (value === undefined) return undefined;
    const old = Message.parse(value, key);
    const merged = mergedMessage(old, { ...old, ...changingOf(said) });
    return JSON.stringify(merged) === JSON.stringify(old) ? value : { ...value, ...changingOf(merged) };
  });
  for (const reader of said.read_by) if (!here.read_by.includes(reader)) await local.unmark(unreadMark(reader, id));
  return there;
}

function receiptEntry(message: Message, session: string): [string, Receipt][] {
  return Object.entries(receiptOf(message, session) ?? {});
}

/** What of a message is not as it was sent. What is sent to all is signed on its way, and is the same in each folder. */
function changingOf({ read_by, receipts, withdrawn_at, signature, to_session }: Message): Partial<Message> {
  return {
    read_by,
    ...(signature !== undefined && to_session === null && { signature }),
    ...(receipts !== undefined && { receipts }),
    ...(withdrawn_at !== undefined && { withdrawn_at }),
  };
}
