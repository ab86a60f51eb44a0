import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Message } from "../../src/messages/message.ts";
import { mergedMessage } from "../../src/mirror/merge.ts";

const session = fc.constantFrom("ann", "bob", "eve", "constructor", "__proto__");
const time = fc.integer({ min: 0, max: 5 }).map((second) => `2026-05-01T12:00:0${second}.000Z`);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const receipt = fc.record(
  { read_at: time, acked_at: time, verdict: fc.constantFrom("allow" as const, "deny" as const) },
  { requiredKeys: [] },
);

/** Copies of one message, as several places may have them. */
const message: fc.Arbitrary<Message> = fc
  .record({
    readers: fc.uniqueArray(session),
    receipts: maybe(fc.dictionary(session, receipt)),
    withdrawn_at: maybe(time),
    content: fc.constantFrom("text", "text", "text", "forged"),
  })
  .map(({ readers, receipts, withdrawn_at, content }) => ({
    ...{ id: "msg-1", from_session: "ann", from_agent: "claude", to_session: null, content, timestamp: 1 },
    read_by: [...new Set(["ann", ...readers])],
    ...(withdrawn_at !== undefined && { withdrawn_at }),
    ...(receipts && { receipts }),
  }));

function converges<T>(one: fc.Arbitrary<T>, merge: (a: T, b: T) => T): void {
  fc.assert(
    fc.property(one, one, one, (a, b, c) => {
      expect(merge(a, b)).toEqual(merge(b, a));
      expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
      const ab = merge(a, b);
      expect(merge(ab, b)).toEqual(ab);
      expect(merge(ab, ab)).toEqual(ab);
    }),
    { numRuns: 1000 },
  );
}

describe("merging copies, in whatever order and however often,", () => {
  test("of a message gives the same everywhere", () => converges(message, mergedMessage));

  test("loses no receipt and no reader, and takes nothing back that was said", () => {
    fc.assert(
      fc.property(message, message, (a, b) => {
        const merged = mergedMessage(a, b);
        expect(new Set(merged.read_by)).toEqual(new Set([...a.read_by, ...b.read_by]));
        expect(merged.read_by[0]).toBe("ann");
        for (const copy of [a, b])
          for (const [who, { acked_at, verdict }] of Object.entries(copy.receipts ?? {})) {
            const found = Object.getOwnPropertyDescriptor(merged.receipts, who)?.value;
            if (acked_at !== undefined) expect(found.acked_at <= acked_at).toBe(true);
            if (verdict === "deny") expect(found.verdict).toBe("deny");
          }
        expect(merged.withdrawn_at === undefined).toBe(a.withdrawn_at === undefined && b.withdrawn_at === undefined);
      }),
    );
  });
});
