import { callsOf } from "../agents/registry.ts";
import { asFarAsPossible, type Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { shortId } from "../id.ts";
import type { RecordUpdate } from "../store/store.ts";
import { noteHeard } from "./heard.ts";
import { isFor, Message, withAck, withdraw as withdrawn, withRead } from "./message.ts";
import { openPointer, staysOpen, unreadPointer } from "./message-state.ts";
import { messageFor } from "./records.ts";

/** Marks messages as read, and returns them; passes over those that are not for this session. Throws `not_found`. */
export async function markRead(context: Context, ids: readonly string[]): Promise<Message[]> {
  const meant: Message[] = [];
  for (const id of ids) {
    const message = await messageFor(context, id);
    if (isFor(context.session, message)) meant.push(message);
  }
  return stampRead(context, meant);
}

/** Acks a message, which also marks it as read. Throws `not_found`, `refused` if it is not for this session. */
export async function ack(context: Context, id: string): Promise<Message> {
  const message = await messageFor(context, id);
  if (!isFor(context.session, message))
    throw new RelayError("refused", `Cannot ack "${shortId(message.id)}": it was not sent to you`, {
      next: "agent-relay inbox",
    });
  const acked = await stamp(context, message, withAck);
  await context.store.unmark(openPointer(context.session, message.id));
  await context.store.unmark(unreadPointer(context.session, message.id));
  return acked;
}

/** Withdraws a message: no inbox shows it from now on. Throws `not_found`, `refused` if another sent it. */
export async function withdraw(context: Context, id: string): Promise<Message> {
  const meant = await messageFor(context, id);
  const sender = (await callsOf(context, [meant.from_session]))(meant.from_session);
  const message = await stamp(context, meant, (current, session, at) => withdrawn(current, session, at, sender));
  // Remove it from every inbox as well: another program that rewrites the message drops `withdrawn_at`.
  const { store } = context;
  for (const inbox of message.to_session === null ? ["all", ...(await store.list("agents"))] : [message.to_session])
    for (const mark of [unreadPointer(inbox, message.id), openPointer(inbox, message.id)]) await store.unmark(mark);
  return message;
}

/**
 * Writes this session's receipts, and with them what `also` changes, then takes the messages off the unread list; those that
 * ask go on the open list.
 */
export async function stampRead(
  context: Context,
  messages: readonly Message[],
  also: ReadonlyMap<string, RecordUpdate> = new Map(),
): Promise<Message[]> {
  const { store, session, now } = context;
  const stamps = messages.map((message) => stampOf(context, message, withRead));
  const changes = new Map([...stamps.map(({ key, change }) => [key, change] as const), ...also]);
  if (store.updateTogether) await store.updateTogether(changes);
  else for (const [key, change] of changes) await store.update(key, change);
  for (const { message, result } of stamps) {
    if (staysOpen(session, result(), now())) await store.mark(openPointer(session, message.id), now());
    await asFarAsPossible(() => noteHeard(context, message));
    await store.unmark(unreadPointer(session, message.id));
  }
  return stamps.map(({ result }) => result());
}

/** Changes a message for this session, as if nobody else changed it meanwhile. */
export async function stamp(context: Context, message: Message, how: Stamp): Promise<Message> {
  const { key, change, result } = stampOf(context, message, how);
  await context.store.update(key, change);
  return result();
}

type Stamp = (message: Message, session: string, at: number) => Message;

/** The change of a message's record, and what it has made of it. */
function stampOf({ session, now }: Context, message: Message, how: Stamp) {
  const key = `messages/${message.id}`;
  const at = now();
  let stamped = message;
  const change: RecordUpdate = (value) => {
    if (value === undefined) return undefined; // collected meanwhile: there is nothing left to mark
    const current = Message.parse(value, key);
    stamped = how(current, session, at);
    return stamped === current ? value : stamped;
  };
  return { message, key, change, result: () => stamped };
}
