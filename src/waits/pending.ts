import type { Context } from "../context.ts";

/** <id>: not yet decided, or not yet told. */
export const PENDING = "waits/pending";
/** <time>-<id>: of which only the end of the time is worth a look. */
export const DUE = "waits/due";

/** A name that sorts by time (Unix ms). */
export function dueName(time: number, id: string): string {
  return `${Math.max(0, time).toString(36).padStart(9, "0")}-${id}`;
}

/** Whether any wait may have come to its end: a look at names, and at no clock but ours. */
export async function hasWaits({ store, now }: Pick<Context, "store" | "now">): Promise<boolean> {
  if ((await store.marks(PENDING, { limit: 1 })).length > 0) return true;
  const [first] = await store.marks(DUE, { limit: 1 });
  return first !== undefined && first < dueName(now(), "");
}
