import { pastDay } from "../activity/entry.ts";
import { REMEMBERED_MS } from "../activity/tombstones.ts";
import type { Store } from "../store/store.ts";

/** What either side has collected. */
export interface TombstoneLookup {
  has(key: string): boolean;
  /** Like `has`, after asking the server what it has collected since it was last asked. */
  hasNow(key: string): Promise<boolean>;
}

/** The keys that one side has collected: none is brought back to either side. */
export class Tombstones {
  readonly #store: Store;
  readonly #keys = new Set<string>();
  readonly #read = new Map<string, number>(); // day to the lines read of it

  constructor(store: Store) {
    this.#store = store;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** Reads the new lines of the days from `first` on, such as `2026-05-01`. Returns the keys that were not known. */
  async read(first: string, now: number): Promise<string[]> {
    const fresh: string[] = [];
    for (const day of await this.#store.logs("collected")) {
      if (day < first || pastDay(day, now) > REMEMBERED_MS) continue;
      let count = this.#read.get(day) ?? 0;
      for await (const line of this.#store.lines(`collected/${day}`, count)) {
        count++;
        if (typeof line?.key !== "string" || this.#keys.has(line.key)) continue;
        this.#keys.add(line.key);
        fresh.push(line.key);
      }
      this.#read.set(day, count);
    }
    return fresh;
  }
}
