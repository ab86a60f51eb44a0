import { throughOutages } from "./outage.ts";
import type { Hint, Store } from "./store.ts";

/** Waits for a change in any of several folders. */
export class ChangeWaiter {
  readonly #end = new AbortController();
  readonly #sources: { readonly hints: AsyncIterator<Hint>; next: Promise<unknown> }[];

  constructor(store: Store, folders: readonly string[]) {
    this.#sources = folders.map((folder) => {
      const hints = store.watch(folder, this.#end.signal)[Symbol.asyncIterator]();
      return { hints, next: asked(hints) };
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
      if (source) source.next = asked(source.hints);
    } finally {
      clearTimeout(timer);
    }
  }

  /** What `run` gives, also when the relay's server is away for a while. */
  throughOutages<T>(run: () => Promise<T>, until?: number): Promise<T> {
    return throughOutages(run, this.#end.signal, until);
  }

  get isOver(): boolean {
    return this.#end.signal.aborted;
  }

  end(): void {
    this.#end.abort();
  }
}

function asked(hints: AsyncIterator<Hint>): Promise<unknown> {
  const next = hints.next();
  next.catch(() => {}); // ChangeWaiter.next throws it, perhaps later
  return next;
}
