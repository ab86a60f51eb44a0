import fc from "fast-check";
import { expect, test } from "vitest";
import { encode } from "../../../src/store/file/encode.ts";

const element = fc.oneof(
  fc.object({ withNullPrototype: false, withUndefined: true } as fc.ObjectConstraints),
  fc.string({ unit: "binary" }),
  fc.constantFrom("line\nend", null, undefined, 7, [], {}, [{ a: [1, "\n"] }]),
);
const record = fc.dictionary(
  fc.string(),
  fc.oneof(element, fc.array(element, { minLength: 51, maxLength: 60, size: "max" })),
  { noNullPrototype: true },
);

test("a record's text is its two-space JSON, however long its lists are", () => {
  fc.assert(fc.property(record, (value) => void expect(encode(value).toString()).toBe(JSON.stringify(value, null, 2))));
});

test("a record of which one element was replaced is written with the new one, and its neighbours as they were", () => {
  fc.assert(
    fc.property(
      fc.array(fc.object(), { minLength: 51, maxLength: 60, size: "max" }),
      fc.nat(50),
      fc.object(),
      (list, at, one) => {
        encode({ list });
        const next = { list: list.with(at, one) };
        expect(encode(next).toString()).toBe(JSON.stringify(next, null, 2));
      },
    ),
  );
});
