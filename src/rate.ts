/** How often something may be done: `burst` times at once, and as often in each `period` (ms) in the long run. */
export interface Rate {
  readonly burst: number;
  readonly period: number;
}

const UNSURE = 0.1; // ms by which a sum of fractions may err: at the size of Unix times a step errs by up to 0.0002

/**
 * Takes `count` from an allowance by the generic cell rate algorithm. Its only state is `spent`: when the allowance is
 * whole again. Times are in ms. `wait` is 0, or the ms until there is room; in that case nothing is taken.
 */
export function spend(
  { burst, period }: Rate,
  spent: number,
  now: number,
  count = 1,
): { readonly spent: number; readonly wait: number } {
  const next = Math.max(now, spent) + (count * period) / burst;
  const late = next - now - period;
  return late > UNSURE ? { spent, wait: Math.ceil(late) } : { spent: next, wait: 0 };
}
