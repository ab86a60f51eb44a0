import { type Context, LIMITS, THRESHOLDS } from "../context.ts";
import { Pace } from "../messages/rate-limit.ts";
import type { Store } from "../store/store.ts";
import { hasWaits } from "../waits/pending.ts";

/** Decides and tells what came to its end. What most looks find is that nobody waits. */
export async function settleWaitsIfAny(context: Context): Promise<void> {
  if (context.store.isServed || !(await hasWaits(context))) return;
  const { settleWaits } = await import("../waits/settle.ts");
  await settleWaits(context);
}

/** To act in a store, for a session. */
export function contextOf(
  store: Store,
  project: string,
  now: () => number,
  session = "mirror",
  agent = "mirror",
): Context {
  const more = { limits: LIMITS, thresholds: THRESHOLDS, registration: {}, pace: new Pace(), seen: new Map() };
  return { store, project, session, agent, now, ...more };
}
