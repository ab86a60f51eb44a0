// Some tests show more the longer they run: races with many processes, kills at random points, inputs of a million bytes. `npm
// test` runs a tenth of each; `npm run race` runs all of it.

/** Whether all of it is run: `npm run race`. */
export const isWhole = process.env.RELAY_SCALE === "whole";

/** How many rounds a test runs that would best run `all`. */
export function rounds(all: number): number {
  return isWhole ? all : Math.ceil(all / 10);
}

/** How many processes take part where `all` would be best: enough to meet. */
export function racers(all: number): number {
  return isWhole ? all : Math.min(all, Math.max(4, Math.ceil(all / 8)));
}

/** From one point at which something may be killed to the next that is tried: of many points every third. */
export const STEP = isWhole ? 1 : 3;
