import type { Context } from "../context.ts";
import { newId } from "../id.ts";
import { isMarkFor, markFor } from "../machine/trust-mark.ts";
import { FORMAT } from "../store/format.ts";
import { valueOrSkipped } from "../store/read.ts";
import type { Store, Value } from "../store/store.ts";
import { iso } from "../time.ts";

/** Whether this machine and user made the relay, or a person here has trusted it. */
export async function isTrusted(store: Store): Promise<boolean> {
  if (store.served) return true; // whoever chose the server has trusted it
  return bearsOurMark(await valueOrSkipped(store, "relay"), store.root);
}

/** `folder`: where the relay's files are; undefined for one in memory. */
export function bearsOurMark(relay: Value | undefined, folder = ""): boolean {
  return typeof relay?.id === "string" && isMarkFor(relay.mark, relay.id, folder);
}

/** The relay's own id. Makes the relay's record if there is none. */
export async function ensureRelay(store: Store, now: () => number): Promise<string> {
  const known = await store.get("relay");
  if (typeof known?.id === "string") return known.id;
  await trust(store, now);
  return String((await store.get("relay"))?.id);
}

/** Marks the relay as this machine and user's own. */
export async function trust(store: Store, now: () => number): Promise<void> {
  const time = now();
  await store.update("relay", (old) => {
    const relay = old ?? { format: FORMAT, id: newId("relay", time), created_at: iso(time) };
    return { ...relay, mark: markFor(String(relay.id), store.root ?? "") };
  });
}

/** Whether there is a relay to read; another program's may have nothing but messages. Never makes one. */
export async function isThere({ store }: Context): Promise<boolean> {
  return (await valueOrSkipped(store, "relay")) !== undefined || (await store.list("messages")).length > 0;
}
