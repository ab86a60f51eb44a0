import type { Hint } from "./store.ts";

/**
 * Yields at once, and then after each call of `notice`, which `subscribe` is given, until `signal` aborts. Calls that
 * come while nobody waits count as one. The function that `subscribe` returns ends the subscription, and may be called
 * twice. An abort ends it at once: a generator whose reader has gone never runs again.
 */
export async function* changeStream(
  subscribe: (notice: (hint?: Hint) => void) => () => void,
  signal: AbortSignal,
): AsyncGenerator<Hint> {
  if (signal.aborted) return;
  let hint: Hint | undefined = "changed";
  let wake = () => {};
  const unsubscribe = subscribe((given = "changed") => {
    if (hint !== "changed") hint = given;
    wake();
  });
  const end = () => {
    unsubscribe();
    wake();
  };
  signal.addEventListener("abort", end, { once: true });
  try {
    while (!signal.aborted) {
      if (hint === undefined)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      const given = hint ?? "changed";
      hint = undefined;
      if (!signal.aborted) yield given;
    }
  } finally {
    signal.removeEventListener("abort", end);
    unsubscribe();
  }
}
