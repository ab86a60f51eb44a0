import { RelayError } from "./errors.ts";

/** What an object has running, so that closing the object ends it: waits, watches, streams. */
export class Lifetime {
  readonly #running = new Set<Run>();
  readonly #followers = new WeakMap<AbortSignal, Followers>();
  #closed: RelayError | undefined;

  get isBusy(): boolean {
    return this.#running.size > 0;
  }

  /** Throws `usage` once `close` was called. */
  check(): void {
    if (this.#closed) throw this.#closed;
  }

  /** Calls `run` with a signal that aborts with `signal`, for the same reason, or at the close. */
  async during<T>(signal: AbortSignal | undefined, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const mine = this.#begin(signal);
    try {
      return await run(mine.signal);
    } finally {
      mine.end();
    }
  }

  /** The items of what `make` makes with such a signal. At the close it returns, also where its reader holds an item. */
  async *stream<T>(
    signal: AbortSignal | undefined,
    make: (signal: AbortSignal) => AsyncGenerator<T, void, void>,
  ): AsyncGenerator<T, void, void> {
    const mine = this.#begin(signal);
    try {
      const items = make(mine.signal);
      mine.stop = () => items.return();
      yield* items;
    } finally {
      mine.end();
    }
  }

  /** Ends all that runs, and waits until it has ended. What is begun later ends at once. */
  async close(): Promise<void> {
    this.#closed ??= new RelayError("usage", "Cannot use this Relay: it is closed", { next: "make another" });
    const running = [...this.#running];
    for (const { abort } of running) abort(this.#closed);
    await Promise.allSettled(running.map(({ stop }) => stop()));
  }

  #begin(signal: AbortSignal | undefined): Run {
    const own = new AbortController();
    const follow = () => own.abort(signal?.reason);
    const unfollow = signal && this.#follow(signal, follow);
    const run: Run = {
      signal: own.signal,
      abort: (reason) => own.abort(reason),
      stop: async () => {},
      end: () => {
        unfollow?.();
        this.#running.delete(run);
      },
    };
    this.#running.add(run);
    if (signal?.aborted) follow();
    if (this.#closed) own.abort(this.#closed);
    return run;
  }

  /** Calls `then` when `signal` aborts. Has one listener for all that follow it: Node warns of more than ten. */
  #follow(signal: AbortSignal, then: () => void): () => void {
    const known = this.#followers.get(signal);
    const followers = known ?? new Followers();
    if (!known) {
      this.#followers.set(signal, followers);
      signal.addEventListener("abort", followers);
    }
    followers.add(then);
    return () => {
      followers.delete(then);
      if (followers.size > 0) return;
      signal.removeEventListener("abort", followers);
      this.#followers.delete(signal);
    };
  }
}

/** What is called when a signal aborts: an event listener. */
class Followers extends Set<() => void> {
  handleEvent(): void {
    for (const then of this) then();
  }
}

interface Run {
  readonly signal: AbortSignal;
  readonly abort: (reason: unknown) => void;
  readonly end: () => void;
  stop: () => Promise<unknown>;
}
