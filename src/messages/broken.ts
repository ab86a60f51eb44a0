import { createHash } from "node:crypto";
import type { Context } from "../context.ts";
import { idFor, timeOf } from "../id.ts";
import { isSegment } from "../store/key.ts";
import { compose, type Message, systemDraft } from "./message.ts";
import { readMessage, recordSetAside } from "./records.ts";

/** Who sent a message, as far as what is left of its record says so. */
export function senderOfBroken(head: string): string | undefined {
  return /"from_session":\s*"([^"\\]+)"/.exec(head)?.[1];
}

/** Tells whoever sent a message, once, that it could not be read and was set aside, as far as what is left of it says who. */
export async function tellSenderOfBroken(context: Context, id: string): Promise<void> {
  const { store, session } = context;
  const found = await recordSetAside(store, `messages/${id}`);
  const sender = senderOfBroken(found?.head ?? "");
  if (!found || sender === undefined || sender === "system" || sender === session || !isSegment(sender)) return;
  const content = `Your message ${id} could not be read (${found.reason}) and was set aside: send it again`;
  await tellOnce(context, sender, noticeOf("broken", id, Date.parse(found.at)), content);
}

/** Takes back what the sender of a message was told of it: it is read again, and listed. */
export async function tellSenderOfMended(context: Context, { id, from_session: sender }: Message): Promise<void> {
  if (!(await readMessage(context.store, noticeOf("broken", id, context.now())))) return;
  const content = `Your message ${id} can be read again, and is listed where it was: do not send it again`;
  await tellOnce(context, sender, noticeOf("mended", id, context.now()), content);
}

/** One id for what is told of each message: whoever looks first tells, and nobody after. */
function noticeOf(what: string, id: string, at: number): string {
  return idFor("msg", timeOf(id) ?? at, createHash("sha256").update(`${what} ${id}`).digest("hex"));
}

async function tellOnce({ store, now }: Context, to: string, id: string, content: string): Promise<void> {
  if (await readMessage(store, id)) return;
  const message = compose(systemDraft(id, to, content, now()), { kind: "status" });
  await store.publish(`messages/${id}`, message, { inboxes: [to] });
}
