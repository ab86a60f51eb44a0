import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { isSegment } from "../store/key.ts";
import { parsedOrSkipped } from "../store/read.ts";
import type { Store } from "../store/store.ts";
import { jsonText } from "../text.ts";
import { Message, mayRead } from "./message.ts";

/** A message by id; undefined if none can be read. Its id is the name it is stored under. */
export async function readMessage(store: Store, id: string): Promise<Message | undefined> {
  if (!isSegment(id)) return undefined;
  const message = await parsedOrSkipped(store, `messages/${id}`, Message);
  return message === undefined || message.id === id ? message : { ...message, id };
}

/** A message that this session may read. Throws `not_found`; a message between others counts as not found. */
export async function messageFor(context: Context, id: string): Promise<Message> {
  const message = isSegment(id) ? await readMessage(context.store, id) : undefined;
  if (message && mayRead(context.session, message)) return message;
  throw new RelayError("not_found", `Cannot find message ${jsonText(id)} among those ${context.session} may read`, {
    next: "agent-relay history",
  });
}
