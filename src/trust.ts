import { valueOrSkipped } from "./context.ts";
import { newId } from "./id.ts";
import { markFor } from "./machine-mark.ts";
import type { Store, Value } from "./store/store.ts";

/** Whether this machine and user made the relay, or a person here has trusted it. */
export async function isTrusted(store: Store): Promise<boolean> {
  return bearsOurMark(await valueOrSkipped(store, "relay"));
}

export function bearsOurMark(relay: Value | undefined): boolean {
  return typeof relay?.id === "string" && relay.mark === markFor(relay.id);
}

/** Marks the relay as this machine and user's own. */
export async function trust(store: Store, now: () => number): Promise<void> {
  const time = now();
  await store.update("relay", (old) => {
    const relay = old ?? { format: 1, id: newId("relay", time), created_at: new Date(time).toISOString() };
    return { ...relay, mark: markFor(String(relay.id)) };
  });
}
