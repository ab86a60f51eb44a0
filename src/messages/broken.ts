import { createHash } from "node:crypto";
import type { Context } from "../context.ts";
import { idFor, timeOf } from "../id.ts";
import { isSegment } from "../store/key.ts";
import { compose, systemDraft } from "./message.ts";
import { readMessage, recordSetAside } from "./records.ts";

/** Who sent a message, as far as what is left of its record says so. */
export function senderOfBroken(head: string): string | undefined {
  return /"from_session":\s*"([^"\\]+)"/.exec(head)?.[1];
}

/** Tells whoever sent a message, once, that it could not be read and was set aside, as far as what is left of it says who. */
export async function tellSenderOfBroken(context: Context, id: string): Promise<void> {
  const { store, session, now } = context;
  const found = await recordSetAside(store, `messages/${id}`);
  const sender = senderOfBroken(found?.head ?? "");
  if (!found || sender === undefined || sender === "system" || sender === session || !isSegment(sender)) return;
  // One id for each message that is broken: whoever looks first tells, and nobody after.
  const told = idFor("msg", timeOf(id) ?? found.at, createHash("sha256").update(`broken ${id}`).digest("hex"));
  if (await readMessage(store, told)) return;
  const content = `Your message ${id} could not be read (${found.reason}) and was set aside: send it again`;
  const draft = systemDraft(told, sender, content, now());
  await store.publish(`messages/${told}`, compose(draft, { kind: "status" }), { inboxes: [sender] });
}
