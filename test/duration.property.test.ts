import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "../src/duration.ts";
import { RelayError } from "../src/errors.ts";

describe("durations", () => {
  test("any text at all is a length of time or `usage`, never another failure and never a nonsense number", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.stringMatching(/^[0-9]{1,25}(\.[0-9]{1,3})?(ms|s|m|h|d|w|M)?$/),
    );
    fc.assert(
      fc.property(text, (word) => {
        try {
          expect(parseDuration(word)).toSatisfy((ms: number) => Number.isSafeInteger(ms) && ms >= 0);
        } catch (error) {
          if (!(error instanceof RelayError)) throw error;
          expect(error.code).toBe("usage");
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("what is said of a length of time is never more than it is, and is read back to nearly that", () => {
    fc.assert(
      fc.property(fc.nat({ max: 1_000_000_000_000 }), (ms) => {
        const said = parseDuration(formatDuration(ms));
        expect(said).toBeLessThanOrEqual(ms);
        expect(ms - said).toBeLessThan(Math.max(1000, ms / 2));
      }),
    );
  });
});
