import { registrations } from "../agents/registry.ts";
import type { Context } from "../context.ts";
import { timeOf } from "../id.ts";
import { bootId } from "../machine/process.ts";
import { isThere } from "../project/trust.ts";
import { isMirrored } from "../project/upstream.ts";
import { isSegment } from "../store/key.ts";
import { eachReadable } from "../store/read.ts";
import { isNews, MAX_DIGEST_AGE_MS, MAX_DIGEST_MESSAGES } from "./digest.ts";
import { isOpen, isUnread, type Message, sentAt } from "./message.ts";
import { openPointer, unreadPointer } from "./message-state.ts";
import { readMessage } from "./records.ts";

const SCAN_EVERY_MS = 5000; // between two scans for foreign messages in one project ...

const SCAN_RARELY_MS = 60_000; // ... and in a project where none was ever found

/**
 * Finds messages that another program put into `messages/` (the `agent-relay` crate, a script) and lists them in the
 * inboxes they belong in. It reads names only, unless there are new ones. At most once in 5 s per project, or in 60 s
 * where none was ever found; `now` scans all the same. Returns how many it found.
 */
export async function scanForForeign(context: Context, when: "now" | "due"): Promise<number> {
  const { store, now } = context;
  if (store.served) return 0;
  const last = await store.markedAt("stamps/foreign-look");
  if (when === "due" && last !== undefined && Math.abs(now() - last) < (await scanInterval(context))) return 0;
  if (!(await isThere(context))) return 0;
  await store.mark("stamps/foreign-look", now());

  const known = new Set(await store.marks("foreign"));
  const foreign = (await store.list("messages")).filter(
    (id) => timeOf(id) === undefined && id !== "open" && !known.has(id),
  );
  if (foreign.length === 0) return 0;
  await store.mark("stamps/foreign-seen", now());
  const messages: Message[] = [];
  for await (const [, message] of eachReadable(store, foreign, (id) => readMessage(store, id)))
    if (message) messages.push(message);
  await listMessages(context, messages);
  for (const { id } of messages) await store.mark(`foreign/${id}`, now());
  return messages.length;
}

/** The time between two scans for foreign messages, ms: longer where none was ever found. */
export async function scanInterval({ store }: Context): Promise<number> {
  return (await store.markedAt("stamps/foreign-seen")) === undefined ? SCAN_RARELY_MS : SCAN_EVERY_MS;
}

/**
 * After a reboot, lists again the messages of the last day that are unread or open: marks are not synced to the disk.
 * Runs once for each boot, at the first read.
 */
export async function relistAfterBoot(context: Context): Promise<void> {
  const { store, now } = context;
  if (store.served) return;
  const boot = bootId();
  if (boot === undefined || (await store.markedAt(`stamps/boot.${boot}`)) !== undefined) return;
  if (!(await isThere(context))) return;
  const messages: Message[] = [];
  const recent = (await store.list("messages")).filter((id) => (timeOf(id) ?? 0) >= now() - MAX_DIGEST_AGE_MS);
  for await (const [, message] of eachReadable(store, recent, (id) => readMessage(store, id)))
    if (message) messages.push(message);
  await listMessages(context, messages);
  await store.mark(`stamps/boot.${boot}`, now());
}

/**
 * Lists messages as unread or open in the inboxes they belong in: a direct message in its recipient's, a recent
 * broadcast in every session's.
 */
export async function listMessages(context: Context, messages: readonly Message[]): Promise<void> {
  const { store, now } = context;
  const at = now();
  for (const message of messages) {
    const to = message.to_session;
    if (to !== null && isSegment(to) && isUnread(to, message, at)) await store.mark(unreadPointer(to, message.id), at);
    else if (to !== null && isSegment(to) && isOpen(to, message, at)) await store.mark(openPointer(to, message.id), at);
  }
  const broadcasts = messages.filter(
    (message) => message.to_session === null && sentAt(message) > at - MAX_DIGEST_AGE_MS,
  );
  if (broadcasts.length === 0) return;
  broadcasts.sort((a, b) => sentAt(b) - sentAt(a));
  for (const { id } of broadcasts) await store.mark(unreadPointer("all", id), at);
  const isMirror = await isMirrored(context); // a remote session reads its mail on the server
  for (const { session_id: session, owner } of await registrations(context)) {
    if (isMirror && owner !== undefined) continue;
    for (const message of broadcasts.filter((each) => isNews(session, each, at)).slice(0, MAX_DIGEST_MESSAGES))
      await store.mark(unreadPointer(session, message.id), at);
    for (const message of broadcasts.filter((each) => !isUnread(session, each, at) && isOpen(session, each, at)))
      await store.mark(openPointer(session, message.id), at);
  }
}
