import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  asTyped,
  beginning,
  canonicalJson,
  clean,
  cleanLine,
  cut,
  json,
  jsonText,
  withoutHalves,
} from "../src/text.ts";
import { strictJson } from "./support/strict-json.ts";

const PARTS = [
  "a",
  "\u{1f680}",
  "\ud83d",
  "\ude80",
  "\u{1f469}\u200d\u{1f469}\u200d\u{1f467}",
  "e\u0301",
  "\u{1f1e9}\u{1f1ea}",
  "\n",
  "\r\n",
  "\u202e",
  "क्‍ष",
];
const text = fc
  .array(fc.oneof(fc.constantFrom(...PARTS), fc.string({ unit: "binary" })), { maxLength: 40 })
  .map((all) => all.join(""));
const clusters = (of: string) =>
  [...new Intl.Segmenter("en", { granularity: "grapheme" }).segment(of)].map(({ segment }) => segment);

describe("whatever the text", () => {
  test("what is cut of it ends with a whole character, is as long as it may be, and is its beginning", () => {
    fc.assert(
      fc.property(text, fc.nat(60), (given, most) => {
        const whole = given.toWellFormed();
        const short = beginning(given, most);
        expect(short.isWellFormed()).toBe(true);
        expect(short.length).toBeLessThanOrEqual(most);
        expect(whole.startsWith(short)).toBe(true);
        const all = clusters(whole);
        const count = clusters(short).length;
        if (all.every((cluster) => cluster.length < 64)) {
          expect(all.slice(0, count).join("")).toBe(short);
          expect(short.length + (all[count] ?? "x".repeat(99)).length).toBeGreaterThan(most);
        }
        expect(cut(given, most + 1).length).toBeLessThanOrEqual(most + 1);
      }),
    );
  });

  test("nothing half is left in what is shown, quoted, or made into JSON", () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const value = { [one]: [other, { deep: one }] };
        for (const said of [jsonText(value), json(value), json(value, 2), canonicalJson(value), asTyped(one, 7)])
          strictJson(said);
        strictJson(JSON.stringify(withoutHalves(value)));
        for (const said of [clean(one), cleanLine(one), cut(one, 9)]) expect(said.isWellFormed()).toBe(true);
      }),
    );
  });

  test("what is whole goes through JSON unchanged", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const whole = JSON.parse(JSON.stringify(value));
        if (!JSON.stringify(value).includes("\\ud")) expect(JSON.parse(jsonText(value))).toEqual(whole);
        expect(withoutHalves(whole)).toEqual(JSON.parse(jsonText(whole)));
      }),
    );
  });
});

describe("letters and pictures that need what cannot be seen", () => {
  test.each([
    ["Persian", "می\u200cخواهم"],
    ["Hindi", "क्\u200dष"],
    ["a family", "\u{1f469}\u200d\u{1f469}\u200d\u{1f467}\u200d\u{1f466}"],
    ["a heart on fire", "\u2764\ufe0f\u200d\u{1f525}"],
    ["a skin tone and a profession", "\u{1f469}\u{1f3fd}\u200d\u{1f680}"],
    ["a keycap", "1\ufe0f\u20e3"],
    ["the flag of Scotland", "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}"],
    ["a variant of a Japanese name", "\u8fbb\u{e0100}"],
  ])("%s is shown as it is", (_, word) => {
    expect(clean(`x ${word} y`)).toBe(`x ${word} y`);
    expect(JSON.parse(json({ word }))).toEqual({ word });
    expect(json({ word })).toContain(word);
  });

  test.each([
    ["letters of tags", "hi\u{e0041}\u{e0042}", "hi\\udb40\\udc41\\udb40\\udc42"],
    ["joiners in a row", "م\u200c\u200d\u200c", "م\u200c\\u200d\\u200c"],
    ["a joiner after a Latin letter", "ig\u200dnore", "ig\\u200dnore"],
    ["selectors in a row", "\u2764\ufe0f\ufe0e\ufe0f", "\u2764\ufe0f\\ufe0e\\ufe0f"],
    [
      "tags after a black flag that are no flag's",
      "\u{1f3f4}\u{e0061}\u{e007f}",
      "\u{1f3f4}\\udb40\\udc61\\udb40\\udc7f",
    ],
    ["half a rocket", "\ud83d!", "\\ud83d!"],
    ["a bidi mark", "a\u202eb", "a\\u202eb"],
  ])("%s are shown as their codes", (_, hidden, shown) => {
    expect(clean(hidden)).toBe(shown);
  });

  test("a line end of Windows is a line end", () => {
    expect(clean("one\r\ntwo\r")).toBe("one\ntwo\\u000d");
  });
});
