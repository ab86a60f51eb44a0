import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { openMark, staysOpen, unreadMark } from "./inbox.ts";
import { isFor, Message, withAck, withdraw as withdrawn, withRead } from "./message.ts";
import { messageFor } from "./records.ts";

/** Marks messages as read; those not for this session are passed over. Returns those that are for it. Throws `not_found`. */
export async function markRead(context: Context, ids: readonly string[]): Promise<Message[]> {
  const marked: Message[] = [];
  for (const id of ids) {
    const message = await messageFor(context, id);
    if (isFor(context.session, message)) marked.push(await stampRead(context, message));
  }
  return marked;
}

/** Says that a message was dealt with; it is read then too. Throws `not_found`, `refused` if it is not for this session. */
export async function ack(context: Context, id: string): Promise<Message> {
  const message = await messageFor(context, id);
  if (!isFor(context.session, message))
    throw new RelayError("refused", `Cannot ack "${id}": it was not sent to ${context.session}`);
  const acked = await stamp(context, message, withAck);
  await context.store.unmark(openMark(context.session, id));
  await context.store.unmark(unreadMark(context.session, id));
  return acked;
}

/** Takes a message back: who has not read it will not be shown it. Throws `not_found`, `refused` if another sent it. */
export async function withdraw(context: Context, id: string): Promise<Message> {
  const message = await stamp(context, await messageFor(context, id), withdrawn);
  // Off every list as well: another program that rewrites the message drops the field that says it was taken back.
  const { store } = context;
  for (const inbox of message.to_session === null ? ["all", ...(await store.list("agents"))] : [message.to_session])
    for (const mark of [unreadMark(inbox, id), openMark(inbox, id)]) await store.unmark(mark);
  return message;
}

/** Writes this session's receipt, and then takes the message off its list, or puts it on the list of open ones. */
export async function stampRead(context: Context, message: Message): Promise<Message> {
  const read = await stamp(context, message, withRead);
  const { store, session, now } = context;
  if (staysOpen(session, read, now())) await store.mark(openMark(session, message.id), now());
  await store.unmark(unreadMark(session, message.id));
  return read;
}

/** Changes a message for this session, as if nobody else did. */
export async function stamp(
  { store, session, now }: Context,
  message: Message,
  change: (message: Message, session: string, at: number) => Message,
): Promise<Message> {
  const key = `messages/${message.id}`;
  const at = now();
  let stamped = message;
  await store.update(key, (value) => {
    if (value === undefined) return undefined; // collected meanwhile: there is nothing left to mark
    const current = Message.parse(value, key);
    stamped = change(current, session, at);
    return stamped === current ? value : stamped;
  });
  return stamped;
}
