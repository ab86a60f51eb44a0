/** How often something may be done: `burst` at once, and `perSecond` in the long run. By the generic cell rate algorithm. */
export class Allowance {
  readonly #step: number;
  readonly #room: number;
  readonly #spent = new Map<string, number>();

  constructor({ perSecond, burst }: { readonly perSecond: number; readonly burst: number }) {
    this.#step = 1000 / perSecond;
    this.#room = burst * this.#step;
  }

  /** Takes one from whose allowance it is. Returns 0, or in how many ms there will be one. `now` is in ms and only grows. */
  take(whose: string, now: number): number {
    const spent = Math.max(now, this.#spent.get(whose) ?? 0) + this.#step;
    const late = spent - now - this.#room;
    if (late > 0) return Math.ceil(late);
    this.#spent.set(whose, spent);
    if (this.#spent.size > MOST) this.#forget(now);
    return 0;
  }

  /** In how many ms there will be one, taking none. */
  wait(whose: string, now: number): number {
    return Math.max(0, Math.ceil((this.#spent.get(whose) ?? 0) + this.#step - now - this.#room));
  }

  #forget(now: number): void {
    for (const [whose, spent] of this.#spent) if (spent <= now) this.#spent.delete(whose);
    for (const whose of this.#spent.keys()) {
      if (this.#spent.size <= MOST) break;
      this.#spent.delete(whose);
    }
  }
}

const MOST = 10_000; // whose allowances are kept
