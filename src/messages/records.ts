import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { timeOf } from "../id.ts";
import { namesWith, onlyOne } from "../store/id-part.ts";
import { isSegment } from "../store/key.ts";
import { eachReadable, parsed, skipBroken } from "../store/read.ts";
import type { SetAside, Store } from "../store/store.ts";
import { jsonText } from "../text.ts";
import { Message, mayRead } from "./message.ts";

/**
 * A message by id, or undefined if there is none. Its id is the name it is stored under, where another program wrote it;
 * the record of one message of ours under the name of another is broken. Throws `corrupt` for a broken one; it is then
 * set aside.
 */
export async function wholeMessage(store: Store, id: string): Promise<Message | undefined> {
  if (!isSegment(id)) return undefined;
  const message = await parsed(store, `messages/${id}`, Message);
  if (message === undefined || message.id === id) return message;
  if (timeOf(id) === undefined || timeOf(message.id) === undefined) return { ...message, id };
  const broken = `it is the record of ${message.id}`;
  await store.quarantine(`messages/${id}`, broken);
  throw new RelayError("corrupt", `Cannot read message ${jsonText(id)}: ${broken}; it was set aside in quarantine/`);
}

/** `wholeMessage`, and undefined for a broken one. */
export function readMessage(store: Store, id: string): Promise<Message | undefined> {
  return skipBroken(wholeMessage(store, id));
}

/** The one rule of who may read what: the ends of a message, everyone a broadcast, and the person at the keyboard all. */
export function isReadable({ session, isPerson }: Pick<Context, "session" | "isPerson">, message: Message): boolean {
  return isPerson || mayRead(session, message);
}

/**
 * A message that this session may read, by its id or a unique beginning or end of it. Throws `not_found`; a message
 * between others counts as not found; `usage` for a part that fits several, with these.
 */
export async function messageFor(context: Context, id: string): Promise<Message> {
  const exact = isSegment(id) ? await readMessage(context.store, id) : undefined;
  if (exact && isReadable(context, exact)) return exact;
  const parts = exact ? new Map<string, Message>() : await readableWith(context, id);
  const found = parts.get(onlyOne([...parts.keys()], id, "message") ?? "");
  if (found) return found;
  const broken = await recordSetAside(context.store, `messages/${id}`);
  if (broken)
    throw new RelayError("corrupt", `Cannot read message ${jsonText(id)}: ${broken.reason}; it was set aside`, {
      next: "agent-relay quarantine list",
    });
  const why = /\d/.test(id)
    ? "it is not among those you may read"
    : "an id comes first, as inbox and history show it, of a message that you may read";
  throw new RelayError("not_found", `Cannot find message ${jsonText(id)}: ${why}`, { next: "agent-relay history" });
}

/** A record that could not be read, if it was set aside and nothing has taken its place. */
export async function recordSetAside(store: Store, key: string): Promise<SetAside | undefined> {
  return (await store.setAside?.())?.findLast((each) => each.key === key);
}

/** The messages that this session may read and whose ids begin or end with `part`. */
export async function readableWith(context: Context, part: string): Promise<Map<string, Message>> {
  const { store } = context;
  const found = new Map<string, Message>();
  const ids = await namesWith(store, "messages", part);
  for await (const [id, message] of eachReadable(store, ids, (each) => readMessage(store, each)))
    if (message && isReadable(context, message)) found.set(id, message);
  return found;
}
