import type { Agent } from "../agents/agent.ts";
import { NOTE_EVERY_MS } from "../agents/hearing.ts";
import type { Context } from "../context.ts";
import { bootId } from "../machine/process.ts";
import { scanInterval } from "./discover.ts";

/**
 * Notes, after a look that found nothing, until when an empty inbox is all that there is to know: till the next scan for what
 * other programs wrote, or until a look is to be noted again. The launcher answers by this, without Node.
 */
export async function noteQuiet(context: Context, verb: "unread" | "inbox", agent?: Agent): Promise<void> {
  const { store, session, now } = context;
  if (store.isServed) return;
  const scanned = (await store.markedAt("stamps/foreign-look")) ?? 0;
  const looked = verb === "unread" ? Number.POSITIVE_INFINITY : (agent?.hears?.itself ?? 0) * 1000;
  const until = Math.min(scanned + (await scanInterval(context)), looked + NOTE_EVERY_MS);
  if (until > now()) await store.mark(`agents/${session}.${verb}_${bootId()?.slice(0, 8) ?? "none"}`, until);
}
