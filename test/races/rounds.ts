// A race shows what it shows by many rounds and many processes, which take minutes: `npm test` runs a tenth of the rounds, each
// with a few processes; `npm run race` all of them.
/** Whether all rounds are run, with all processes. */
export const isWhole = process.env.RELAY_RACES === "whole";

/** How many rounds a test runs that would best run `all`. */
export function rounds(all: number): number {
  return isWhole ? all : Math.ceil(all / 10);
}

/** How many processes take part where `all` would be best: enough to meet. */
export function racers(all: number): number {
  return isWhole ? all : Math.min(all, Math.max(4, Math.ceil(all / 8)));
}
