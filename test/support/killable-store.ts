import type { Delivery, Hint, ListRange, Store, Value, WriteOptions } from "../../src/store/store.ts";

/** What a dead process is stopped by; nothing may catch it and go on. */
export class Killed extends Error {}

/** A store as one process sees it that its fate may end, or hold up, just before each of its calls. */
export class FatefulStore implements Store {
  readonly #store: Store;
  readonly #fate: (call: "read" | "write") => void | Promise<void>;

  constructor(store: Store, fate: (call: "read" | "write") => void | Promise<void>) {
    this.#store = store;
    this.#fate = fate;
  }

  async get(key: string): Promise<Value | undefined> {
    await this.#fate("read");
    return this.#store.get(key);
  }

  async list(folder: string, range?: ListRange): Promise<string[]> {
    await this.#fate("read");
    return this.#store.list(folder, range);
  }

  async create(key: string, value: Value, options?: WriteOptions): Promise<boolean> {
    await this.#fate("write");
    return this.#store.create(key, value, options);
  }

  async update(
    key: string,
    change: (old: Value | undefined) => Value | undefined,
    options?: WriteOptions,
  ): Promise<Value | undefined> {
    await this.#fate("write");
    return this.#store.update(key, change, options);
  }

  async publish(key: string, value: Value, delivery: Delivery): Promise<string[]> {
    await this.#fate("write");
    return this.#store.publish(key, value, delivery);
  }

  async mark(key: string, at?: number): Promise<void> {
    await this.#fate("write");
    return this.#store.mark(key, at);
  }

  async markedAt(key: string): Promise<number | undefined> {
    await this.#fate("read");
    return this.#store.markedAt(key);
  }

  async unmark(key: string): Promise<boolean> {
    await this.#fate("write");
    return this.#store.unmark(key);
  }

  async marks(folder: string, range?: ListRange): Promise<string[]> {
    await this.#fate("read");
    return this.#store.marks(folder, range);
  }

  async append(key: string, line: Value): Promise<void> {
    await this.#fate("write");
    return this.#store.append(key, line);
  }

  async *lines(key: string, after?: number): AsyncGenerator<Value | undefined> {
    await this.#fate("read");
    yield* this.#store.lines(key, after);
  }

  async logs(folder: string): Promise<string[]> {
    await this.#fate("read");
    return this.#store.logs(folder);
  }

  async removeLog(key: string): Promise<void> {
    await this.#fate("write");
    return this.#store.removeLog(key);
  }

  watch(folder: string, signal: AbortSignal): AsyncIterable<Hint> {
    return this.#store.watch(folder, signal);
  }

  async quarantine(key: string, reason: string): Promise<void> {
    await this.#fate("write");
    return this.#store.quarantine(key, reason);
  }

  async isDraft(key: string): Promise<boolean> {
    await this.#fate("read");
    return this.#store.isDraft(key);
  }

  async prune(folder: string, before: number, isMeant: (name: string) => boolean): Promise<number> {
    await this.#fate("write");
    return this.#store.prune(folder, before, isMeant);
  }

  async sweep(before: number): Promise<number> {
    await this.#fate("write");
    return this.#store.sweep(before);
  }

  async close(): Promise<void> {}
}

/** The store as a process sees it that is killed just before its `n`th write, the first being 1. */
export function killedAtWrite(store: Store, n: number): Store {
  let writes = 0;
  return new FatefulStore(store, (call) => {
    if (call === "write") writes++;
    if (writes >= n) throw new Killed();
  });
}

/** A process that stops just before its `n`th call of the store, the first being 1, until it is told to go on or is killed. */
export class Stopped {
  readonly store: Store;
  /** When it has come there; never if it ends before. */
  readonly reached: Promise<"stopped">;
  goOn: () => void = () => {};
  kill: () => void = () => {};

  constructor(store: Store, n: number) {
    let say: () => void = () => {};
    this.reached = new Promise((resolve) => {
      say = () => resolve("stopped");
    });
    const fate = new Promise<void>((resolve, reject) => {
      this.goOn = resolve;
      this.kill = () => reject(new Killed());
    });
    fate.catch(() => {}); // it may have ended before
    let calls = 0;
    this.store = new FatefulStore(store, async () => {
      calls++;
      if (calls < n) return;
      say();
      await fate;
    });
  }
}
