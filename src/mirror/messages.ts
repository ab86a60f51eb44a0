import { OFFERED_MS } from "../activity/tombstones.ts";
import { RelayError } from "../errors.ts";
import { timeOf } from "../id.ts";
import { isLive, isUnread, type Message, sentAt } from "../messages/message.ts";
import { openPointer, unreadPointer } from "../messages/message-state.ts";
import { readMessage } from "../messages/records.ts";
import { REFUSED } from "../project/upstream.ts";
import { isSegment } from "../store/key.ts";
import type { Delivery, Store } from "../store/store.ts";
import { hasLeft } from "./agents.ts";
import { idThere, type MessageProgress } from "./message-state.ts";
import { pullChanges, pushReceipt } from "./receipts.ts";
import { forEach, isOurs, orNotice, type Replicas } from "./replica.ts";

const ID_SLACK_MS = 900_000; // by which ids of one place may be out of order
const RETRY_MS = 600_000; // after which a message that the server does not take is tried again

/** Publishes on the server what was sent here. A message that it does not take is tried again, and a person is told. */
export async function pushMessages(
  replicas: Replicas,
  ours: ReadonlySet<string>,
  progress: MessageProgress,
  isCollected: (key: string) => boolean,
): Promise<void> {
  const { local, now } = replicas;
  const oldest = now() - OFFERED_MS;
  if (progress.until > now()) progress.until = 0; // the clock was set back
  let latest = progress.until;
  const ids = await local.list("messages");
  await forgetRefused(replicas, ids, progress);
  for (const id of ids) {
    const time = timeOf(id);
    const isPast = time !== undefined && time < Math.max(oldest, progress.until - ID_SLACK_MS);
    if ((isPast && !progress.refused.has(id)) || progress.both.has(id) || isCollected(`messages/${id}`)) continue;
    if ((progress.refused.get(id) ?? 0) > now() - RETRY_MS) continue;
    const message = await readMessage(local, id);
    if (time !== undefined) latest = Math.max(latest, Math.min(time, now()));
    if (!message || sentAt(message) < oldest || !isLive(message, now())) continue;
    const { from_session: from, from_agent, to_session: to } = message;
    if (from === "system") continue;
    if (!ours.has(from)) {
      if (await cameFromThere(replicas, message)) progress.both.add(id);
      if (progress.both.has(id) || !(await hasLeft(replicas, from, from_agent))) continue;
    }
    if (time === undefined) progress.renamed.set(idThere(message), id);
    if ((await isListed(replicas, message, progress)) || (await isTaken(replicas, message, progress))) {
      if (to === null) await unlistForOthers(replicas, id);
      progress.both.add(id);
      progress.awaited.set(id, 0);
    }
  }
  progress.until = latest;
  for (const id of progress.both)
    if ((timeOf(id) ?? progress.until) < progress.until - 2 * ID_SLACK_MS) progress.both.delete(id);
}

/** What is not here any more is not waited for. */
async function forgetRefused({ local }: Replicas, ids: readonly string[], { refused }: MessageProgress): Promise<void> {
  if (refused.size === 0) return;
  const here = new Set(ids);
  for (const id of refused.keys())
    if (!here.has(id)) {
      refused.delete(id);
      await local.unmark(`${REFUSED}/${id}`);
    }
}

/** Whether the sender is unknown here and the server has the message: we cannot say whose session the sender is. */
async function cameFromThere({ local, remote }: Replicas, message: Message): Promise<boolean> {
  const { from_session: from, to_session: to } = message;
  if (!isSegment(from)) return false;
  if ((await local.get(`agents/${from}`)) ?? (await local.get(`archive/agents/${from}`))) return false;
  return (await remote(to ?? "").get(`messages/${idThere(message)}`)) !== undefined;
}

/** Whether the server has the message. It is asked once, after the start, for all messages of a session. */
async function isListed({ remote }: Replicas, message: Message, { both, listed }: MessageProgress): Promise<boolean> {
  const { from_session: from } = message;
  if (!listed.has(from)) {
    listed.add(from);
    for (const id of await remote(from).list("messages")) both.add(id);
  }
  return both.has(idThere(message));
}

/** Removes a broadcast's pointers for sessions of elsewhere: they read it there, and here it would stay unread. */
async function unlistForOthers(replicas: Replicas, id: string): Promise<void> {
  for (const session of await replicas.local.list("agents"))
    if (!(await isOurs(replicas, session))) await replicas.local.unmark(unreadPointer(session, id));
}

/** Publishes one message on the server. False if it refuses: nobody there gets the message, and a person is told. */
async function isTaken(replicas: Replicas, message: Message, { refused }: MessageProgress): Promise<boolean> {
  try {
    await pushMessage(replicas, message);
    if (refused.delete(message.id)) await replicas.local.unmark(`${REFUSED}/${message.id}`);
    return true;
  } catch (error) {
    if (!(error instanceof RelayError) || ["failed", "timed_out"].includes(error.code)) throw error;
    if (!refused.has(message.id)) replicas.notice(`message ${message.id} is not passed on yet: ${error.message}`);
    refused.set(message.id, replicas.now());
    if (isSegment(message.id)) await replicas.local.mark(`${REFUSED}/${message.id}`, replicas.now());
    return false;
  }
}

async function pushMessage({ remote }: Replicas, message: Message): Promise<void> {
  const { from_session: from, to_session: to, thread } = message;
  const id = idThere(message);
  const store = remote(from);
  if (await store.get(`messages/${id}`)) return;
  if (thread !== undefined && isSegment(thread)) await store.mark(`threads/${thread}/${id}`);
  const { receipts: _, ...said } = message;
  try {
    await store.publish(`messages/${id}`, { ...said, id, read_by: [from] }, deliveryFor(to, from));
  } catch (error) {
    // The message may be there, and an earlier answer lost: sealed anew it differs, so the server says `conflict`.
    if (!(error instanceof RelayError) || error.code !== "conflict" || !(await store.get(`messages/${id}`)))
      throw error;
  }
}

function deliveryFor(to: string | null, from: string): Delivery {
  return to === null ? { inboxes: [], index: "all", everyoneIn: "agents", except: from } : { inboxes: [to] };
}

/** Brings what waits on the server for a session of ours into its inbox here, and reports there what was read here. */
export async function exchangeInbox(
  replicas: Replicas,
  session: string,
  progress: MessageProgress,
  isCollected: (key: string) => boolean,
): Promise<void> {
  const { local, remote, now } = replicas;
  const there = remote(session);
  const listed = [...(await there.marks(`inboxes/${session}`)), ...(await there.marks(`inboxes/${session}/open`))];
  const waitingThere = new Set(listed.map((id) => progress.renamed.get(id) ?? id));
  await forEach(waitingThere, async (id) => {
    await orNotice(replicas, `message ${id}`, () => exchangeOne(id));
  });
  async function exchangeOne(id: string): Promise<void> {
    const here = await readMessage(local, id);
    if (here && !isUnread(session, here, now())) await pushReceipt(there, session, here, now());
    else if (!here && isCollected(`messages/${id}`)) {
      // The message was collected here: it was read, or had run out.
      await there.unmark(openPointer(session, id));
      await there.unmark(unreadPointer(session, id));
    } else if (!here) {
      await deliver(replicas, there, session, id, progress);
    } else if ((await local.markedAt(unreadPointer(session, id))) === undefined)
      await local.mark(unreadPointer(session, id), now());
  }
  const waitingHere = new Set(await local.marks(`inboxes/${session}`));
  // A message that waits here and not there was withdrawn, or has run out: its copy there says so.
  await forEach(waitingHere, async (id) => {
    if (!waitingThere.has(id)) await pullChanges(replicas, there, id);
  });
  for (const id of progress.waiting.get(session) ?? []) {
    const here = waitingHere.has(id) || waitingThere.has(id) ? undefined : await readMessage(local, id);
    if (here) await pushReceipt(there, session, here, now());
  }
  progress.waiting.set(session, waitingHere);
}

/** Publishes a message of the server in the inbox of its reader here: the pointer first, as for each message. */
async function deliver(
  { local, now }: Replicas,
  there: Store,
  session: string,
  id: string,
  progress: MessageProgress,
): Promise<void> {
  const message = await readMessage(there, id);
  if (!message) return; // it is still being written, or was collected
  if (!isLive(message, now())) {
    await there.unmark(unreadPointer(session, id));
    await there.unmark(openPointer(session, id));
    return;
  }
  await bring(local, message, [session], progress);
  progress.awaited.set(id, 0);
}

/** Publishes a message of elsewhere here, in these inboxes. */
export async function bring(
  local: Store,
  given: Message,
  inboxes: readonly string[],
  { renamed }: MessageProgress,
): Promise<void> {
  const reply_to = renamed.get(given.reply_to ?? "");
  const message = reply_to === undefined ? given : { ...given, reply_to };
  const { id, thread } = message;
  if (thread !== undefined && isSegment(thread)) await local.mark(`threads/${thread}/${id}`);
  const index = message.to_session === null ? { index: "all" } : {};
  try {
    await local.publish(`messages/${id}`, message, { inboxes, ...index });
  } catch (error) {
    // The message is here already: another session of ours was given it meanwhile.
    if (!(error instanceof RelayError) || error.code !== "conflict" || !(await readMessage(local, id))) throw error;
    for (const session of inboxes) await local.mark(unreadPointer(session, id));
  }
}
