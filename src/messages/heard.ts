import type { Context } from "../context.ts";
import { hash } from "../hash.ts";
import { timeOf } from "../id.ts";
import { isFor, type Message, sentAt } from "./message.ts";
import { readMessage } from "./records.ts";

// Which message of each peer a session has read last: what it sends to that peer then goes to and fro, by whatever verb.
// Marks `heard/<session>/<peer>.<id>`.

const ANSWERS_FOR_MS = 3_600_000; // after which a message to a peer begins something new

/** Notes that this session has read a message which another agent sent to it alone. */
export async function noteHeard({ store, session, now }: Context, message: Message): Promise<void> {
  const { id, from_session: from, from_agent: agent, to_session: to } = message;
  if (to !== session || agent === "human" || from === "system" || timeOf(id) === undefined) return;
  const peer = peerOf(from);
  await store.mark(`heard/${session}/${peer}.${id}`, now());
  if (store.served) return; // where each call is a round trip, the next send tidies up
  for (const name of await marksOf(store, session, peer))
    if (name < `${peer}.${id}`) await store.unmark(`heard/${session}/${name}`);
}

/** The last message that this session has read of a peer's to it alone, if that is not long ago. */
export async function lastHeard({ store, session, now }: Context, peer: string): Promise<Message | undefined> {
  const names = await marksOf(store, session, peerOf(peer));
  const last = names.pop();
  for (const name of names) await store.unmark(`heard/${session}/${name}`);
  const message = last === undefined ? undefined : await readMessage(store, last.slice(last.indexOf(".") + 1));
  const isRecent = message && message.from_session === peer && isFor(session, message);
  return isRecent && sentAt(message) > now() - ANSWERS_FOR_MS ? message : undefined;
}

async function marksOf(store: Context["store"], session: string, peer: string): Promise<string[]> {
  return (await store.marks(`heard/${session}`)).filter((name) => name.startsWith(`${peer}.`)).sort();
}

/** A short word for a session: two sessions may have the same, and the message tells which it is. */
function peerOf(session: string): string {
  return hash(session).toString(36);
}
