import type { Hint, Store } from "./store.ts";

/** Waits for a change in any of several folders. */
export class ChangeWaiter {
  readonly #end = new AbortController();
  readonly #sources: { readonly hints: AsyncIterator<Hint>; next: Promise<unknown> }[];

  constructor(store: Store, folders: readonly string[]) {
    this.#sources = folders.map((folder) => {
      const hints = store.watch(folder, this.#end.signal)[Symbol.asyncIterator]();
      const next = hints.next();
      next.catch(() => {}); // the method `next` throws it, perhaps later
      return { hints, next };
    });
  }

  /** Resolves at the next hint, after `ms`, or once `end` is called. */
  async next(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), Math.min(Math.max(0, ms), 0x7fffffff));
    });
    try {
      const source = await Promise.race([...this.#sources.map((each) => each.next.then(() => each)), over]);
      if (source) source.next = source.hints.next();
    } finally {
      clearTimeout(timer);
    }
  }

  end(): void {
    this.#end.abort();
  }
}
