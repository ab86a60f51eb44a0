import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { isSegment } from "../store/key.ts";
import { eachReadable, parsedOrSkipped } from "../store/read.ts";
import type { Store } from "../store/store.ts";
import { asTyped, jsonText } from "../text.ts";
import { Message, mayRead } from "./message.ts";

/** A message by id; undefined if none can be read. Its id is the name it is stored under. */
export async function readMessage(store: Store, id: string): Promise<Message | undefined> {
  if (!isSegment(id)) return undefined;
  const message = await parsedOrSkipped(store, `messages/${id}`, Message);
  return message === undefined || message.id === id ? message : { ...message, id };
}

const MIN_PART_CHARS = 4; // of an id, to find it by: fewer fit too many

/**
 * A message that this session may read, by its id or a unique beginning or end of it. Throws `not_found`; a message
 * between others counts as not found; `usage` for a part that fits several, with these.
 */
export async function messageFor(context: Context, id: string): Promise<Message> {
  const exact = isSegment(id) ? await readMessage(context.store, id) : undefined;
  if (exact && mayRead(context.session, exact)) return exact;
  const [found, ...others] = exact || id.length < MIN_PART_CHARS ? [] : await begunOrEnded(context, id);
  if (found && others.length === 0) return found;
  if (found) {
    const ids = [found, ...others].slice(0, 5).map((one) => one.id);
    throw new RelayError("usage", `Cannot tell which message ${asTyped(id, 80)} is: it could be ${ids.join(", ")}`, {
      next: "give more of the id",
    });
  }
  throw new RelayError("not_found", `Cannot find message ${jsonText(id)} among those ${context.session} may read`, {
    next: "agent-relay history",
  });
}

async function begunOrEnded({ store, session }: Context, part: string): Promise<Message[]> {
  const ids = (await store.list("messages")).filter((id) => id.startsWith(part) || id.endsWith(part));
  const found: Message[] = [];
  for await (const [, message] of eachReadable(store, ids, (id) => readMessage(store, id)))
    if (message && mayRead(session, message)) found.push(message);
  return found;
}
