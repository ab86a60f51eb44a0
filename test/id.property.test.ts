import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_CLOCK_LEAD_MS, newId, newNonce, shortId, timeAfter, timeOf, withShortIds } from "../src/id.ts";
import { checkSegment } from "../src/store/key.ts";

const LAST = 36 ** 9 - 1; // the year 5188
const time = fc.integer({ min: 0, max: LAST });
const prefix = fc.constantFrom("msg", "relay", "batch", "task", "a");

describe("ids", () => {
  test("the time put into an id comes out of it", () => {
    fc.assert(fc.property(prefix, time, (word, at) => void expect(timeOf(newId(word, at))).toBe(at)));
  });

  test("a fraction of a millisecond is dropped, and a time before 1970 is 1970", () => {
    expect(timeOf(newId("msg", 12.9))).toBe(12);
    expect(timeOf(newId("msg", -5))).toBe(0);
  });

  test("ids sort by their time as plain text", () => {
    fc.assert(
      fc.property(prefix, time, time, (word, a, b) => {
        if (a !== b) expect(newId(word, a) < newId(word, b)).toBe(a < b);
      }),
    );
  });

  test("an id is lower case, of one length, and a good key", () => {
    fc.assert(
      fc.property(prefix, time, (word, at) => {
        const id = newId(word, at);
        expect(id).toBe(id.toLowerCase());
        expect(id).toHaveLength(word.length + 22);
        expect(checkSegment(id)).toBe(id);
      }),
    );
  });

  test("65,536 ids of one millisecond are all different, and so are nonces", () => {
    const ids = Array.from({ length: 65_536 }, () => newId("msg", 1_795_244_909_049));
    expect(new Set(ids).size).toBe(ids.length);
    const nonces = Array.from({ length: 65_536 }, () => newNonce());
    expect(new Set(nonces).size).toBe(nonces.length);
  });

  test("texts show the end of an id of ours, and a word that is none as it is", () => {
    fc.assert(
      fc.property(prefix, time, (word, at) => {
        const id = newId(word, at);
        expect(shortId(id)).toBe(id.slice(-6));
        expect(withShortIds(`after ${id}, by b`)).toBe(
          word === "msg" || word === "task" ? `after ${id.slice(-6)}, by b` : `after ${id}, by b`,
        );
      }),
    );
    for (const word of ["", "msg-1", "8c3a0f2e-1f5b-4d0e-9a51-0a8f6cf5d6b5"]) expect(shortId(word)).toBe(word);
  });

  test("no word that is not an id of ours has a time", () => {
    for (const word of [
      "",
      "msg",
      "msg-",
      "8c3a0f2e-1f5b-4d0e-9a51-0a8f6cf5d6b5",
      "MSG-0mwq2gt89xuk575uqkvpu",
      "msg-0mwq2gt89xuk575uqkvp",
    ])
      expect(timeOf(word)).toBeUndefined();
    const words = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(
        words,
        (word) => void expect(timeOf(word) === undefined || /^[a-z]+-[0-9a-z]{21}$/.test(word)).toBe(true),
      ),
    );
  });
});

describe("the time of a new id", () => {
  const others = fc.array(fc.option(time, { nil: undefined }), { maxLength: 4 });

  test("it is never before now", () => {
    fc.assert(
      fc.property(time, others, (now, after) => void expect(timeAfter(now, after)).toBeGreaterThanOrEqual(now)),
    );
  });

  test("it is after every time it must follow, but for those too far ahead of the clock", () => {
    fc.assert(
      fc.property(time, others, (now, after) => {
        for (const other of after)
          if (other !== undefined && other <= now + MAX_CLOCK_LEAD_MS)
            expect(timeAfter(now, after)).toBeGreaterThan(other);
      }),
    );
  });

  test("a clock that was far ahead once does not drag the others along", () => {
    const now = 1_795_244_909_049;
    expect(timeAfter(now, [now + MAX_CLOCK_LEAD_MS])).toBe(now + MAX_CLOCK_LEAD_MS + 1);
    expect(timeAfter(now, [now + MAX_CLOCK_LEAD_MS + 1, undefined])).toBe(now);
    fc.assert(
      fc.property(
        time,
        others,
        (at, after) => void expect(timeAfter(at, after)).toBeLessThanOrEqual(at + MAX_CLOCK_LEAD_MS + 1),
      ),
    );
  });
});
