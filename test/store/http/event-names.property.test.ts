import fc from "fast-check";
import { expect, test } from "vitest";
import { EventNames } from "../../../src/store/http/event-names.ts";

const STREAM =
  "event: open\ndata: {}\n\n: beat\r\n\r\nevent: change\r\ndata: \u{1f680}\r\n\r\nevent:perhaps\n\nevent: change\ndata: x\n\n";

test("an event that came in two pieces was lost: wherever the stream is cut, each is seen once, in order", () => {
  const bytes = new TextEncoder().encode(STREAM);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      const events = new EventNames();
      const seen = at.slice(1).flatMap((end, index) => events.in(bytes.subarray(at[index], end)));
      expect(seen).toEqual(["open", "change", "perhaps", "change"]);
    }),
  );
});

test("each is seen once too where every byte comes alone", () => {
  const events = new EventNames();
  const seen = [...new TextEncoder().encode(STREAM)].flatMap((byte) => events.in(Uint8Array.of(byte)));
  expect(seen).toEqual(["open", "change", "perhaps", "change"]);
});
