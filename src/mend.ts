import { type Collected, noteCollected } from "./collected.ts";
import { type Context, readMessage, valueOrSkipped } from "./context.ts";
import { timeOf } from "./id.ts";
import { DIGEST_AGE, DIGEST_SIZE, isNews, openMark, unreadMark } from "./inbox.ts";
import { isOpen, isUnread, type Message, sentAt } from "./message.ts";
import { isMirrored } from "./mirrored.ts";
import { bootId } from "./place.ts";
import { ended, registrations } from "./roster.ts";
import { isSegment } from "./store/key.ts";

const LOOK_EVERY = 5000; // ms between foreign looks in one project ...
const DRAFT_AGE = 600_000; // ms; writing a message takes a few ms, and no real writer sleeps this long
const LOOK_RARELY = 60_000; // ... and where no foreign message was ever seen

/**
 * Finds messages that another program put into `messages/` (the `agent-relay` crate, a script) and lists them in the
 * inboxes they belong in. It reads names only, unless there are new ones. At most once in 5 s per project, or in 60 s
 * where none was ever found; `now` looks all the same. Returns how many it found.
 */
export async function foreignLook(context: Context, when: "now" | "due"): Promise<number> {
  const { store, now } = context;
  if (store.isServed) return 0;
  const last = await store.markedAt("stamps/foreign-look");
  if (when === "due" && last !== undefined && Math.abs(now() - last) < (await lookEvery(context))) return 0;
  if (!(await isThere(context))) return 0;
  await store.mark("stamps/foreign-look", now());

  const known = new Set(await store.marks("foreign"));
  const foreign = (await store.list("messages")).filter(
    (id) => timeOf(id) === undefined && id !== "open" && !known.has(id),
  );
  if (foreign.length === 0) return 0;
  await store.mark("stamps/foreign-seen", now());
  const messages: Message[] = [];
  for (const id of foreign) {
    const message = await readMessage(store, id);
    if (message) messages.push(message);
  }
  await list(context, messages);
  for (const { id } of messages) await store.mark(`foreign/${id}`, now());
  return messages.length;
}

/** How long to wait between foreign looks (ms): longer where another program was never met. */
export async function lookEvery({ store }: Context): Promise<number> {
  return (await store.markedAt("stamps/foreign-seen")) === undefined ? LOOK_RARELY : LOOK_EVERY;
}

/**
 * After a reboot: lists again what the messages of the last day say is unread or open, since marks are not written to the disk
 * itself. Once for each boot, at the first look.
 */
export async function bootLook(context: Context): Promise<void> {
  const { store, now } = context;
  if (store.isServed) return;
  const boot = bootId();
  if (boot === undefined || (await store.markedAt(`stamps/boot.${boot}`)) !== undefined) return;
  if (!(await isThere(context))) return;
  const messages: Message[] = [];
  for (const id of await store.list("messages")) {
    if ((timeOf(id) ?? 0) < now() - DIGEST_AGE) continue;
    const message = await readMessage(store, id);
    if (message) messages.push(message);
  }
  await list(context, messages);
  await store.mark(`stamps/boot.${boot}`, now());
}

/** Whether there is a relay to look into; another program's may have nothing but messages. Looking never makes one. */
export async function isThere({ store }: Context): Promise<boolean> {
  return (await valueOrSkipped(store, "relay")) !== undefined || (await store.list("messages")).length > 0;
}

/**
 * Tells of a message whether somebody has still to read it, or to answer it: here, or, if it is theirs alone, when they
 * come back. With `whoLeft`, also broadcasts are kept for those.
 */
export async function isWaitedFor(context: Context, whoLeft = false): Promise<(message: Message) => boolean> {
  const { store, now } = context;
  const waited = new Set<string>();
  for (const agent of await registrations(context))
    for (const folder of [`inboxes/${agent.session_id}`, `inboxes/${agent.session_id}/open`])
      for (const id of await store.marks(folder)) waited.add(id);
  const owed = new Map<string, string[]>(); // by those who left: their lists are judged, since they do not tidy them
  for (const { session_id: session } of whoLeft ? await ended(context) : [])
    for (const folder of [`inboxes/${session}`, `inboxes/${session}/open`])
      for (const id of await store.marks(folder)) owed.set(id, [...(owed.get(id) ?? []), session]);
  return (message) => {
    const to = message.to_session === null ? [] : [message.to_session];
    const isOwed = [...to, ...(owed.get(message.id) ?? [])].some(
      (session) => isUnread(session, message, now()) || isOpen(session, message, now()),
    );
    return waited.has(message.id) || isOwed;
  };
}

/** Removes a message, and what lists it for others than its readers: the lists first, so that who was killed between is finished by the next. */
export async function removeMessage({ store, now }: Context, id: string): Promise<void> {
  const message = await readMessage(store, id);
  if (message) await noteCollected(store, now(), endsOf(message));
  await store.unmark(unreadMark("all", id));
  if (message?.thread !== undefined && isSegment(message.thread)) await store.unmark(`threads/${message.thread}/${id}`);
  await store.unmark(`foreign/${id}`);
  await store.update(`messages/${id}`, () => undefined);
}

function endsOf({ id, from_session: from, to_session: to }: Message): Collected {
  return { key: `messages/${id}`, from, ...(to !== null && { to }) };
}

/** Removes messages older than `maxAge` ms that nobody still has to read, here or when they come back. Returns how many. */
export async function cleanupOld(context: Context, maxAge: number): Promise<number> {
  const { store, now } = context;
  await store.sweep(now() - DRAFT_AGE); // before all else: no sender may come back to a list that was judged without it
  await foreignLook(context, "now");
  const isWaited = await isWaitedFor(context);
  let removed = 0;
  for (const id of await store.list("messages")) {
    if ((timeOf(id) ?? 0) > now() - maxAge) continue;
    const message = await readMessage(store, id);
    if (!message || sentAt(message) >= now() - maxAge || isWaited(message)) continue;
    await removeMessage(context, id);
    removed++;
  }
  for (const id of await store.marks("inboxes/all"))
    if ((timeOf(id) ?? 0) < now() - DIGEST_AGE && (await readMessage(store, id)) === undefined)
      await store.unmark(unreadMark("all", id));
  for (const mark of await store.marks("agents")) {
    const [, session = "", what] = /^(.+)\.(seen|heard|moved)$/.exec(mark) ?? [];
    if (what !== undefined && (await valueOrSkipped(store, `agents/${session}`)) === undefined)
      await store.unmark(`agents/${mark}`);
  }
  return removed;
}

/**
 * Lists messages in the inboxes they belong in, as unread or as open: direct ones in their recipient's, recent broadcasts
 * in everyone's.
 */
async function list(context: Context, messages: readonly Message[]): Promise<void> {
  const { store, now } = context;
  const at = now();
  for (const message of messages) {
    const to = message.to_session;
    if (to !== null && isSegment(to) && isUnread(to, message, at)) await store.mark(unreadMark(to, message.id), at);
    else if (to !== null && isSegment(to) && isOpen(to, message, at)) await store.mark(openMark(to, message.id), at);
  }
  const broadcasts = messages.filter((message) => message.to_session === null && sentAt(message) > at - DIGEST_AGE);
  if (broadcasts.length === 0) return;
  broadcasts.sort((a, b) => sentAt(b) - sentAt(a));
  for (const { id } of broadcasts) await store.mark(unreadMark("all", id), at);
  const isMirror = await isMirrored(context); // who is elsewhere reads there
  for (const { session_id: session, owner } of await registrations(context)) {
    if (isMirror && owner !== undefined) continue;
    for (const message of broadcasts.filter((each) => isNews(session, each, at)).slice(0, DIGEST_SIZE))
      await store.mark(unreadMark(session, message.id), at);
    for (const message of broadcasts.filter((each) => !isUnread(session, each, at) && isOpen(session, each, at)))
      await store.mark(openMark(session, message.id), at);
  }
}
