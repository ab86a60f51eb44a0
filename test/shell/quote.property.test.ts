import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { quoted, singleQuoted } from "../../src/shell/quote.ts";

test("a shell takes a quoted word for just that word", () => {
  const words = fc.array(fc.string({ unit: "binary", minLength: 1 }).filter((word) => !word.includes("\0")));
  const tricky = fc.array(fc.stringMatching(/^[ -~\n\t]+$/));
  fc.assert(
    fc.property(fc.oneof(words, tricky), (list) => {
      for (const quote of [quoted, singleQuoted]) {
        const script = `for word in ${list.map(quote).join(" ")}; do printf '%s\\0' "$word"; done`;
        const said = execFileSync("sh", ["-c", script], { encoding: "utf8" });
        expect(said.split("\0").slice(0, -1)).toEqual(list.map((word) => word.toWellFormed()));
      }
    }),
    { numRuns: 50 },
  );
});

test("what needs no quotes has none, and what zsh takes for more than a word has", () => {
  for (const word of ["src/a.ts", "--flag=a,b", "ann@host:/x", "+1"]) expect(quoted(word)).toBe(word);
  for (const word of ["", "=ls", ",x", "~", "a b", "*", "#x", "é"]) expect(quoted(word)).toBe(`'${word}'`);
});
