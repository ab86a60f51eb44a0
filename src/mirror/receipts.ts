import { OFFERED_MS } from "../activity/tombstones.ts";
import { timeOf } from "../id.ts";
import { isOpen, Message, type Receipt, sentAt } from "../messages/message.ts";
import { openPointer, staysOpen, unreadPointer } from "../messages/message-state.ts";
import { readMessage } from "../messages/records.ts";
import type { Store } from "../store/store.ts";
import { jsonText } from "../text.ts";
import type { LocalSessions } from "./agents.ts";
import { mergedMessage, mergedReceipts } from "./merge.ts";
import { idThere, type MessageProgress } from "./message-state.ts";
import { forEach, isOurs, orNotice, type Replicas } from "./replica.ts";

/** Writes into the server's copy of a message what a session has done with it here. */
export async function pushReceipt(there: Store, session: string, here: Message, now: number): Promise<void> {
  const id = idThere(here);
  const key = `messages/${id}`;
  await there.update(key, (value) => {
    if (value === undefined) return undefined; // collected: nothing is left to say
    const old = Message.parse(value, key);
    const isNew = here.read_by.includes(session) && !old.read_by.includes(session);
    const read_by = isNew ? [...old.read_by, session] : old.read_by;
    const own = mergedReceipts(receiptOf(old, session), receiptOf(here, session));
    const isSaid = read_by === old.read_by && jsonText(own) === jsonText(receiptOf(old, session));
    return isSaid ? value : { ...value, read_by, ...(own && { receipts: { ...Object(value.receipts), ...own } }) };
  });
  if (staysOpen(session, here, now) && here.receipts?.[session]?.acked_at === undefined)
    await there.mark(openPointer(session, id));
  else await there.unmark(openPointer(session, id));
  await there.unmark(unreadPointer(session, id));
}

/** A message's receipts with that of one session alone; undefined if it has none. */
function receiptOf({ receipts }: Message, session: string): Message["receipts"] {
  return receipts && Object.hasOwn(receipts, session) ? { [session]: receipts[session] ?? {} } : undefined;
}

const YOUNG_MS = 86_400_000; // for which the server is often asked who has read a message
const ASK_YOUNG_EVERY_MS = 600_000; // ms at most between two questions in that time ...
const ASK_OLD_EVERY_MS = 3_600_000; // ... and ms between two after it

/** Reports what was read or withdrawn here, and asks who has read it there: the more rarely the older a message is. */
export async function exchangeReceipts(
  replicas: Replicas,
  sessions: LocalSessions,
  progress: MessageProgress,
  hasChanged: boolean,
): Promise<void> {
  const { local, now } = replicas;
  const isDue = ([id, asked]: [string, number]) => {
    const age = now() - (timeOf(id) ?? now());
    return now() - asked >= (age > YOUNG_MS ? ASK_OLD_EVERY_MS : Math.min(ASK_YOUNG_EVERY_MS, age / 5));
  };
  const entries = [...progress.awaited];
  await forEach(hasChanged ? entries : entries.filter(isDue), async ([id, asked]) => {
    const here = await readMessage(local, id);
    const isOver = !here || now() - sentAt(here) > OFFERED_MS || isSettled(here, now());
    const isNews = here?.withdrawn_at !== undefined && !progress.useless.has(id);
    if (here && (isOver || isNews || isDue([id, asked])))
      await orNotice(replicas, `message ${id}`, () => exchangeReceipt(replicas, sessions, here));
    if (isNews) progress.useless.add(id);
    if (isOver) progress.awaited.delete(id);
    else if (isDue([id, asked])) progress.awaited.set(id, now());
  });
}

async function exchangeReceipt(replicas: Replicas, { ours, apart }: LocalSessions, here: Message): Promise<void> {
  const { from_session: from, to_session: to } = here;
  if (apart.has(from) || apart.has(to ?? "")) return; // nothing of such a session is passed on
  const isFromHere = ours.has(from) || (await isOurs(replicas, from));
  const store = replicas.remote(isFromHere ? from : (to ?? ""));
  if (isFromHere && here.withdrawn_at !== undefined) await pushWithdrawal(store, here);
  const there = await pullChanges(replicas, store, here.id);
  for (const reader of there ? here.read_by : [])
    if (reader !== from && ours.has(reader) && !there?.read_by.includes(reader))
      await pushReceipt(replicas.remote(reader), reader, here, replicas.now());
}

/** Whether no receipt is expected any more: a direct message was read and is not open, or a broadcast is a day old. */
export function isSettled(message: Message, now: number): boolean {
  const to = message.to_session;
  return to === null ? now - sentAt(message) > YOUNG_MS : message.read_by.includes(to) && !isOpen(to, message, now);
}

async function pushWithdrawal(there: Store, here: Message): Promise<void> {
  await there.update(`messages/${idThere(here)}`, (value) =>
    value === undefined || value.withdrawn_at !== undefined ? value : { ...value, withdrawn_at: here.withdrawn_at },
  );
  for (const inbox of here.to_session === null ? ["all"] : [here.to_session])
    await there.unmark(unreadPointer(inbox, idThere(here)));
}

/**
 * Merges into the message here what has become of it on the server, except what sessions of ours did, which is known
 * here. Returns the server's copy; undefined if either side has none.
 */
export async function pullChanges(replicas: Replicas, store: Store, id: string): Promise<Message | undefined> {
  const { local } = replicas;
  const key = `messages/${id}`;
  const here = await readMessage(local, id);
  const there = here && (await readMessage(store, idThere(here)));
  if (!there) return undefined;
  const others: string[] = [];
  for (const reader of new Set([...there.read_by, ...Object.keys(there.receipts ?? {})]))
    if (!(await local.get(`agents/${reader}`)) || !(await isOurs(replicas, reader))) others.push(reader);
  const said: Message = {
    ...there,
    read_by: there.read_by.filter((reader) => others.includes(reader)),
    ...(there.receipts && { receipts: Object.fromEntries(others.flatMap((reader) => receiptEntry(there, reader))) }),
  };
  await local.update(key, (value) => {
    if (value === undefined) return undefined;
    const old = Message.parse(value, key);
    const merged = mergedMessage(old, { ...old, ...changingOf(said) });
    return jsonText(merged) === jsonText(old) ? value : { ...value, ...changingOf(merged) };
  });
  for (const reader of said.read_by) if (!here.read_by.includes(reader)) await local.unmark(unreadPointer(reader, id));
  return there;
}

function receiptEntry(message: Message, session: string): [string, Receipt][] {
  return Object.entries(receiptOf(message, session) ?? {});
}

/** The fields that change after a message is sent. A broadcast is signed on its way: each folder has that signature. */
function changingOf({ read_by, receipts, withdrawn_at, signature, to_session }: Message): Partial<Message> {
  return {
    read_by,
    ...(signature !== undefined && to_session === null && { signature }),
    ...(receipts !== undefined && { receipts }),
    ...(withdrawn_at !== undefined && { withdrawn_at }),
  };
}
