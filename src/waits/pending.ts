import type { Context } from "../context.ts";

/** `<id>`: a wait that is not decided yet, or whose outcome is not told yet. */
export const PENDING = "waits/pending";
/** `<time>-<id>`: a quiet wait, which is checked only once its time is over. */
export const DUE = "waits/due";

/** A name that sorts by time (Unix ms). */
export function dueName(time: number, id: string): string {
  return `${Math.max(0, time).toString(36).padStart(9, "0")}-${id}`;
}

/** Whether any wait may be over. Reads names of marks only, and compares them with our own clock. */
export async function hasWaits({ store, now }: Pick<Context, "store" | "now">): Promise<boolean> {
  if ((await store.marks(PENDING, { limit: 1 })).length > 0) return true;
  const [first] = await store.marks(DUE, { limit: 1 });
  return first !== undefined && first < dueName(now(), "");
}
