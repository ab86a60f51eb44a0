import fc from "fast-check";
import { expect, test } from "vitest";
import { spend } from "../src/rate.ts";

// One in 20 ms at the most: faster than any limit here.
const rates = fc.record({ burst: fc.integer({ min: 1, max: 50 }), period: fc.integer({ min: 1000, max: 100_000 }) });

test("at most a burst is let through at once, and twice that in any period", () => {
  fc.assert(
    fc.property(rates, fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 200 }), (rate, steps) => {
      const let_through: number[] = [];
      let [spent, now] = [0, 1_000_000];
      for (const step of steps) {
        now += step;
        const next = spend(rate, spent, now);
        if (next.wait === 0) let_through.push(now);
        spent = next.spent;
      }
      for (const first of let_through) {
        expect(let_through.filter((time) => time === first).length).toBeLessThanOrEqual(rate.burst);
        const inPeriod = let_through.filter((time) => time >= first && time < first + rate.period);
        expect(inPeriod.length).toBeLessThanOrEqual(2 * rate.burst);
      }
    }),
  );
});

test("who waits as long as it was told is let through, and not sooner", () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 0, max: 1_000_000 }), (rate, now) => {
      let spent = 0;
      for (let count = 0; count < rate.burst; count++) {
        const next = spend(rate, spent, now);
        expect(next.wait).toBe(0);
        spent = next.spent;
      }
      const { wait } = spend(rate, spent, now);
      expect(wait).toBeGreaterThan(0);
      expect(spend(rate, spent, now + wait).wait).toBe(0);
      if (wait > 1) expect(spend(rate, spent, now + wait - 2).wait).toBeGreaterThan(0);
    }),
  );
});

test("what does not fit takes nothing", () => {
  const rate = { burst: 3, period: 1000 };
  const { spent } = spend(rate, 0, 5000, 2);
  expect(spend(rate, spent, 5000, 2)).toEqual({ spent, wait: 334 });
  expect(spend(rate, spent, 5000, 1).wait).toBe(0);
});
