/**
 * Yields at once, and then after each call of the `notice` that `subscribe` is given, until `signal` aborts; calls that
 * come while nobody waits are one. What `subscribe` returns ends the subscription.
 */
export async function* hints(subscribe: (notice: () => void) => () => void, signal: AbortSignal): AsyncGenerator<void> {
  let changed = true;
  let wake = () => {};
  const notice = () => {
    changed = true;
    wake();
  };
  const unsubscribe = subscribe(notice);
  signal.addEventListener("abort", notice);
  try {
    while (!signal.aborted) {
      if (!changed)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      changed = false;
      if (!signal.aborted) yield;
    }
  } finally {
    signal.removeEventListener("abort", notice);
    unsubscribe();
  }
}
