import { describe, expect, test } from "vitest";
import { expandBraces, isGlob, literal, overlaps, plain } from "../../src/claims/glob.ts";
import { processorTime } from "../support/cpu-time.ts";

const meets = (a: string, b: string) => overlaps({ path: a }, { path: b });

describe("meets()", () => {
  const meeting: [string, string][] = [
    ["src/db.ts", "src/db.ts"],
    ["src", "src/db.ts"],
    ["src", "src/deep/down/db.ts"],
    [".", "src/db.ts"],
    [".", "**/*.ts"],
    ["src/*", "src/db.ts"],
    ["src/*", "src/deep/db.ts"], // a folder that the pattern names covers what is in it
    ["src/*.ts", "src"],
    ["*/db.ts", "src/*"],
    ["src/a*", "src/*b"],
    ["src/?.ts", "src/[a-c].ts"],
    ["**/*.ts", "src/deep/db.ts"],
    ["**/*.ts", "db.ts"],
    ["src/**", "src"],
    ["src/**/db.ts", "src/db.ts"],
    ["src/**/db.ts", "src/a/b/db.ts"],
    ["src/**/x", "**/lib/*"],
    ["src/**/*.ts", "src/vue.js"], // vue.js may be a folder with a file x.ts in it
    ["**", "**"],
    ["src/[a-c]*.ts", "src/beta.ts"],
    ["src/[!a-c]*.ts", "src/delta.ts"],
    ["src/[^a-c]*.ts", "src/[a-d]x.ts"],
    ["src/[-x].ts", "src/-.ts"],
    ["src/[a-cx-z].ts", "src/y.ts"],
    ["src/?.ts", "src/😀.ts"],
    ["src/[😀-😂].ts", "src/😁.ts"],
    ["src//db.ts", "src/./*.ts"],
  ];
  test.each(meeting)("%s and %s can name the same file", (a, b) => {
    expect([meets(a, b), meets(b, a)]).toEqual([true, true]);
  });

  const apart: [string, string][] = [
    ["src/db.ts", "src/db.tsx"],
    ["src", "srcs/db.ts"],
    ["src/db", "src/db.ts"],
    ["src/*.ts", "src/db.js"],
    ["src/*.ts", "src/deep/db.ts"],
    ["*.ts", "src/db.ts"],
    ["src/a*", "src/b*"],
    ["src/*a", "src/*b"],
    ["src/?.ts", "src/db.ts"],
    ["src/**/db.ts", "lib/db.ts"],
    ["src/[a-c].ts", "src/[d-f].ts"],
    ["src/[!a-c].ts", "src/b.ts"],
    ["src/[!a-c].ts", "src/[ab].ts"],
    ["src/?.ts", "src/.ts"],
    ["src/*/x", "src/a/y"],
    ["db.ts", "src"],
  ];
  test.each(apart)("%s and %s cannot", (a, b) => {
    expect([meets(a, b), meets(b, a)]).toEqual([false, false]);
  });

  test("patterns of a thousand wildcards are compared within a second", () => {
    const { ms } = processorTime(() => {
      meets("*".repeat(1000), "a".repeat(1000));
      meets("*a".repeat(500), `${"a*".repeat(500)}b`);
      meets(`${"**/a/".repeat(800)}x`, `${"**/b/".repeat(800)}y`);
      meets(`${"?/".repeat(1000)}x`, `${"*/".repeat(1000)}y`);
    });
    expect(ms).toBeLessThan(1000);
  });
});

describe("braces", () => {
  test("they stand for each of their words, nested and several times", () => {
    expect(expandBraces("src/{a,b}.ts")).toEqual(["src/a.ts", "src/b.ts"]);
    expect(expandBraces("{a,b}/{c,d}")).toEqual(["a/c", "a/d", "b/c", "b/d"]);
    expect([...new Set(expandBraces("{a,{b,c}}.ts"))]).toEqual(["a.ts", "b.ts", "c.ts"]);
    expect(expandBraces("{,test/}db.ts")).toEqual(["db.ts", "test/db.ts"]);
    expect(expandBraces("{$&,$1}")).toEqual(["$&", "$1"]);
  });

  test("without a comma, or without an end, they are ordinary characters", () => {
    for (const pattern of ["{a}.ts", "{}", "a}b", "{a,b", "src/db.ts"])
      expect(expandBraces(pattern)).toEqual([pattern]);
  });

  test("100 patterns are allowed, more are a RangeError, also when there would be millions", () => {
    const words = (count: number) => `{${Array.from({ length: count }, (_, index) => index).join(",")}}`;
    expect(expandBraces(words(100))).toHaveLength(100);
    for (const pattern of [words(101), words(10) + words(11), "{a,b}".repeat(25)])
      expect(() => expandBraces(pattern)).toThrow(RangeError);
  });
});

describe("a literal", () => {
  test("of app/[id].ts is that file, and neither app/i.ts nor app/d.ts", () => {
    const file = literal("app/[id].ts");
    expect(isGlob(file)).toBe(true);
    expect(meets(file, literal("app/[id].ts"))).toBe(true);
    expect(meets(file, "app/*")).toBe(true);
    expect(meets(file, "app")).toBe(true);
    for (const other of ["app/i.ts", "app/d.ts", literal("app/[x].ts")]) expect(meets(file, other)).toBe(false);
    expect(plain(file)).toBe("app/[id].ts");
  });

  test("of a path without wildcards is the path", () => {
    expect(literal("src/db.ts")).toBe("src/db.ts");
  });
});
