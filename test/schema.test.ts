import { describe, expect, test } from "vitest";
import {
  anything,
  extra,
  flag,
  type Infer,
  integer,
  list,
  nullable,
  object,
  oneOf,
  optional,
  record,
  type Schema,
  text,
} from "../src/schema.ts";

const corrupt = (message: string) => expect.objectContaining({ code: "corrupt", message });
const Point = object({ x: integer(), label: optional(text()) });
type Point = Infer<typeof Point>;

describe("a schema", () => {
  const good: [string, Schema<unknown>, unknown][] = [
    ["text", text(), ""],
    ["whole number", integer(), 0],
    ["largest whole number", integer(), Number.MAX_SAFE_INTEGER],
    ["number in a range", integer(-3, 3), -3],
    ["flag", flag(), false],
    ["word of a list", oneOf(["a", "b"]), "b"],
    ["anything", anything(), null],
    ["null", nullable(text()), null],
    ["list", list(integer()), [1, 2]],
    ["record", record(flag()), { a: true }],
  ];
  test.each(good)("reads %s", (_, schema, value) => {
    expect(schema.parse(value, "here")).toEqual(value);
  });

  const bad: [string, Schema<unknown>, unknown][] = [
    ["a string", text(), 1],
    ["a whole number from 0 to 9007199254740991", integer(), 1.5],
    ["a whole number from 0 to 9007199254740991", integer(), "1"],
    ["a whole number from 0 to 9007199254740991", integer(), -1],
    ["a whole number from 0 to 9007199254740991", integer(), Number.NaN],
    ["a whole number from 0 to 9007199254740991", integer(), 2 ** 53],
    ["a whole number from 1 to 2", integer(1, 2), 3],
    ["true or false", flag(), 0],
    ["one of a, b", oneOf(["a", "b"]), "toString"],
    ["there", anything(), undefined],
    ["a string", nullable(text()), 1],
    ["a list", list(text()), { length: 0 }],
    ["an object", record(text()), []],
    ["an object", Point, null],
    ["an object", Point, [1]],
    ["an object", Point, "x"],
  ];
  test.each(bad)("says where and that it is not %s", (what, schema, value) => {
    expect(() => schema.parse(value, "here")).toThrow(corrupt(`Cannot read "here": it is not ${what}`));
  });

  test("names the very field that is wrong", () => {
    const nested = object({ points: list(Point), by: record(Point) });
    expect(() => nested.parse({ points: [{ x: 1 }, { x: "2" }], by: {} }, "m")).toThrow(/"m\.points\[1\]\.x"/);
    expect(() => nested.parse({ points: [], by: { ann: {} } }, "m")).toThrow(/"m\.by\.ann\.x"/);
  });

  test("an optional field that is null counts as missing; one of the wrong type made an offered claim a taken one", () => {
    expect("label" in Point.parse({ x: 1, label: null }, "p")).toBe(false);
    expect(() => Point.parse({ x: 1, label: 5 }, "p")).toThrow(corrupt('Cannot read "p.label": it is not a string'));
  });

  test("an extra field of the wrong type counts as missing: another program has rewritten the record", () => {
    const Rewritten = object({ x: integer(), label: extra(text()) });
    const point: Point = Rewritten.parse({ x: 1, label: 5 }, "p");
    expect(point).toEqual({ x: 1 });
    expect("label" in Rewritten.parse({ x: 1, label: null }, "p")).toBe(false);
  });

  test("fields it does not name are kept, whatever they are called", () => {
    const value: unknown = JSON.parse('{"x": 1, "__proto__": {"label": "forged"}, "constructor": 1, "more": [null]}');
    const point = Point.parse(value, "p");
    expect(JSON.stringify(point)).toBe(JSON.stringify(value));
    expect(Object.getPrototypeOf(point)).toBe(Object.prototype);
    expect(point.label).toBeUndefined();
  });

  test("a record keeps every key, whatever it is called", () => {
    const inherited = record(text()).parse(JSON.parse('{"__proto__": "a", "toString": "b"}'), "r");
    expect(Object.entries(inherited)).toEqual([
      ["__proto__", "a"],
      ["toString", "b"],
    ]);
  });

  test("a list 5,000 deep is read without a stack running out", () => {
    const deep: unknown = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
    expect(Point.parse({ x: 1, deep }, "p")).toMatchObject({ x: 1 });
  });
});
