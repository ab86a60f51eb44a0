import { NOTE_EVERY_MS } from "../agents/hearing.ts";
import type { Context } from "../context.ts";
import { bootId } from "../machine/process.ts";
import { scanInterval } from "./discover.ts";

/**
 * Notes, after a look that found nothing, until when an empty inbox is all that there is to know: till the next scan for what
 * other programs wrote, or, of an inbox, till a look is to be noted again, which was last at `looked` (Unix ms). The launcher
 * answers by this, without Node.
 */
export async function noteQuiet(context: Context, verb: "unread" | "inbox", looked = context.now()): Promise<void> {
  const { store, session, now } = context;
  if (store.served || store.isFromElsewhere) return; // no launcher looks there
  const scanned = (await store.markedAt("stamps/foreign-look")) ?? 0;
  const until = Math.min(scanned + (await scanInterval(context)), looked + NOTE_EVERY_MS);
  if (until > now()) await store.mark(`agents/${session}.${verb}_${bootId()?.slice(0, 8) ?? "none"}`, until);
}
