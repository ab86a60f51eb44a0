import { type Rate, spend } from "../rate.ts";
/** How often something may be done: `burst` at once, and `perSecond` in the long run. */
export class RateLimiter {
  readonly #rate: Rate;
  readonly #spent = new Map<string, number>();

  constructor({ perSecond, burst }: { readonly perSecond: number; readonly burst: number }) {
    this.#rate = { burst, period: (burst * 1000) / perSecond };
  }

  /** Takes one from the allowance of `whose`. Returns 0, or in how many ms there will be one. `now` (ms) only grows. */
  take(whose: string, now: number): number {
    const { spent, wait } = spend(this.#rate, this.#spent.get(whose) ?? 0, now);
    if (wait > 0) return wait;
    this.#spent.set(whose, spent);
    if (this.#spent.size > MAX_ALLOWANCES) this.#forget(now);
    return 0;
  }

  /** In how many ms there will be one, taking none. */
  wait(whose: string, now: number): number {
    return spend(this.#rate, this.#spent.get(whose) ?? 0, now).wait;
  }

  #forget(now: number): void {
    for (const [whose, spent] of this.#spent) if (spent <= now) this.#spent.delete(whose);
    for (const whose of this.#spent.keys()) {
      if (this.#spent.size <= MAX_ALLOWANCES) break;
      this.#spent.delete(whose);
    }
  }
}

const MAX_ALLOWANCES = 10_000; // allowances that are kept
