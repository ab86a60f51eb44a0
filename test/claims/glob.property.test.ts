import fc from "fast-check";
import { expect, test } from "vitest";
import { literal, overlaps, plain } from "../../src/claims/glob.ts";

const meets = (a: string, b: string) => overlaps({ path: a }, { path: b });

const token = fc.constantFrom("a", "b", "*", "?", "[ab]", "[a-b]", "[b]");
const negation = fc.constantFrom("[!a]", "[^b]", "[!c-z]");
const segment = (tokens: fc.Arbitrary<string>) =>
  fc.array(tokens, { minLength: 1, maxLength: 2 }).map((all) => all.join("").replace("**", "*a"));

/** At most two ordinary segments, with `**` anywhere between them: what two of these share, they share within 4 folders. */
const patternOf = (tokens: fc.Arbitrary<string>) =>
  fc
    .tuple(
      fc.array(segment(tokens), { minLength: 1, maxLength: 2 }),
      fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
    )
    .map(([segments, stars]) =>
      [...segments.flatMap((each, index) => (stars[index] ? ["**", each] : [each])), ...(stars[2] ? ["**"] : [])].join(
        "/",
      ),
    );

const exact = patternOf(token);
const any = patternOf(fc.oneof({ weight: 3, arbitrary: token }, { weight: 1, arbitrary: negation }));

/** Another way to say what a pattern names and covers: by a regular expression. */
function covers(pattern: string): (path: string) => boolean {
  const parts = pattern
    .split("/")
    .map((each) =>
      each === "**"
        ? "(?:[^/]+/)*"
        : `${each.replaceAll(/\[!/g, "[^").replaceAll(/\*|\?/g, (wild) => (wild === "*" ? "[^/]*" : "[^/]"))}/`,
    );
  const expression = new RegExp(`^${parts.join("")}`);
  return (path) => expression.test(`${path}/`);
}

const NAMES = ["a", "b", "aa", "ab", "ba", "bb"];
const UNIVERSE = [1, 2, 3, 4].flatMap(pathsOf);

function pathsOf(depth: number): string[] {
  return depth === 1 ? NAMES : pathsOf(depth - 1).flatMap((path) => NAMES.map((name) => `${path}/${name}`));
}

test("overlap has no order, and everything overlaps itself and the whole project", () => {
  fc.assert(
    fc.property(any, any, (a, b) => {
      expect(meets(a, b)).toBe(meets(b, a));
      expect([meets(a, a), meets(a, "."), meets("**", a)]).toEqual([true, true, true]);
    }),
  );
});

test("patterns without negated sets overlap if and only if there is a path that both cover", () => {
  fc.assert(
    fc.property(exact, exact, (a, b) => {
      const [inA, inB] = [covers(a), covers(b)];
      expect(meets(a, b)).toBe(UNIVERSE.some((path) => inA(path) && inB(path)));
    }),
    { numRuns: 1000 },
  );
});

test("with negated sets too, what both cover is never missed", () => {
  const path = fc.constantFrom(...UNIVERSE);
  fc.assert(
    fc.property(any, any, path, (a, b, witness) => {
      fc.pre(covers(a)(witness) && covers(b)(witness));
      expect(meets(a, b)).toBe(true);
      expect([meets(a, witness), meets(witness, b)]).toEqual([true, true]);
    }),
    { numRuns: 300 },
  );
});

test("a concrete path overlaps a pattern if and only if the pattern covers it or lies below it", () => {
  fc.assert(
    fc.property(any, fc.constantFrom(...UNIVERSE), (pattern, path) => {
      const isMet = covers(pattern);
      const isBelow = UNIVERSE.some((other) => other.startsWith(`${path}/`) && isMet(other));
      if (isMet(path) || isBelow) expect(meets(pattern, path)).toBe(true);
      if (!/\[[!^]/.test(pattern) && path.split("/").length <= 2)
        expect(meets(pattern, path)).toBe(isMet(path) || isBelow);
    }),
    { numRuns: 300 },
  );
});

test("a literal, whatever characters are in it, meets its own path, and of the others only what is above or below it", () => {
  const name = fc.string({
    unit: fc.constantFrom("a", "*", "?", "[", "]", "{", "}", "!", "^", "-", ","),
    minLength: 1,
    maxLength: 4,
  });
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
  fc.assert(
    fc.property(path, path, (one, other) => {
      expect(meets(literal(one), literal(one))).toBe(true);
      expect(plain(literal(one))).toBe(one);
      const isRelated = `${one}/`.startsWith(`${other}/`) || `${other}/`.startsWith(`${one}/`);
      expect(meets(literal(one), literal(other))).toBe(isRelated);
    }),
    { numRuns: 500 },
  );
});
