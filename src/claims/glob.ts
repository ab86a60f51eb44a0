/**
 * Whether two path patterns can name the same file. A pattern is segments joined by `/`; a segment may hold `*`, `?`,
 * `[a-z]`, `[!a-z]`; a segment `**` stands for any number of segments. A pattern also covers all that lies below what
 * it names; a leaf only what is spelled out below it. Exact, except that negated sets may count as meeting where they
 * do not, and that a set also names the file that is named so, character by character.
 */
export function overlaps(a: Pattern, b: Pattern): boolean {
  const [x, y] = [a.path, b.path];
  if (isLiteral(x) && isLiteral(y)) return liesIn(x, y) || liesIn(y, x);
  return meet({ segments: segmentsOf(x), leaf: a.leaf }, { segments: segmentsOf(y), leaf: b.leaf }, 0, 0, new Map());
}

/** A path pattern. `leaf`: it is spelled as files are, so that no other pattern reaches below what it names. */
export interface Pattern {
  readonly path: string;
  readonly leaf?: boolean | undefined;
}

/**
 * Whether `a` covers all that `b` names and what lies below it. For a `b` with wildcards: true only if `a` has none, or
 * is the same pattern.
 */
export function contains(a: Pattern, b: Pattern): boolean {
  if (isLiteral(a.path)) return liesIn(b.path, a.path);
  return a.path === b.path || (isLiteral(b.path) && overlaps(a, { ...b, leaf: true }));
}

/** Whether a path without wildcards is `folder`, or below it. */
export function liesIn(path: string, folder: string): boolean {
  return folder === "." || path === folder || (path.startsWith(folder) && path[folder.length] === "/");
}

const MAX_ALTERNATIVES = 100;

/** `src/{a,b}.ts` as `src/a.ts` and `src/b.ts`. Throws a RangeError for more than 100 of them. */
export function expandBraces(pattern: string): string[] {
  const group = /\{([^{}]*,[^{}]*)\}/.exec(pattern);
  if (!group) return [pattern];
  const [whole, inside = ""] = group;
  const all = inside.split(",").flatMap((word) => expandBraces(pattern.replace(whole, () => word)));
  if (all.length > MAX_ALTERNATIVES) throw new RangeError(`it stands for more than ${MAX_ALTERNATIVES} patterns`);
  return all;
}

/** Whether a typed path is a pattern: it holds a wildcard or a brace. */
export function isGlob(path: string): boolean {
  return /[*?[{]/.test(path);
}

/** The pattern that names only `path` itself, whatever characters it holds, such as the file `app/[id].ts`. */
export function literal(path: string): string {
  return path.replace(/[*?[{]/g, "[$&]");
}

/** Whether a pattern names one path: all its wildcard characters are escaped as by `literal`. */
export function isLiteral(pattern: string): boolean {
  return !isGlob(pattern) || !isGlob(pattern.replace(/\[[*?[{]\]/g, ""));
}

/** A pattern as a person would write it. */
export function plain(pattern: string): string {
  return pattern.replace(/\[([*?[{])\]/g, "$1");
}

function segmentsOf(pattern: string): string[] {
  return pattern.split("/").filter((segment) => segment !== "" && segment !== ".");
}

interface Segments {
  readonly segments: readonly string[];
  readonly leaf: boolean | undefined;
}

/** A pattern that has run out covers the rest of the other; a leaf only if that rest is spelled out, or is nothing. */
function meet(a: Segments, b: Segments, i: number, j: number, known: Map<number, boolean>): boolean {
  const [x, y] = [a.segments[i], b.segments[j]];
  if (x === undefined) return !a.leaf || isNothing(b, j) || isSpelledOut(b, j);
  if (y === undefined) return !b.leaf || isNothing(a, i) || isSpelledOut(a, i);
  const place = i * (b.segments.length + 1) + j;
  const before = known.get(place);
  if (before !== undefined) return before;
  const result =
    x === "**" || y === "**"
      ? (x === "**" && meet(a, b, i + 1, j, known)) ||
        (y === "**" && meet(a, b, i, j + 1, known)) ||
        (x === "**" ? meet(a, b, i, j + 1, known) : meet(a, b, i + 1, j, known))
      : segmentsMeet(x, y) && meet(a, b, i + 1, j + 1, known);
  known.set(place, result);
  return result;
}

/** Whether the rest of a pattern can stand for no segment at all. */
function isNothing({ segments }: Segments, from: number): boolean {
  return segments.slice(from).every((segment) => segment === "**");
}

/** Whether a path is spelled out from the segment before `from` on: whoever wrote it knows what lies below what. */
function isSpelledOut({ segments }: Segments, from: number): boolean {
  return segments.slice(from - 1).every(isLiteral);
}

/** What a segment matches at one position: `*` any run of characters, a set one character. */
type GlobToken = "*" | CharacterSet;

interface CharacterSet {
  readonly isNegated: boolean;
  /** First and last code point of each range. */
  readonly ranges: readonly (readonly [number, number])[];
}

const ANY: CharacterSet = { isNegated: true, ranges: [] };

function segmentsMeet(a: string, b: string): boolean {
  if (plain(a) === plain(b)) return true; // what is named so, whether the brackets are a set or not
  if (!isGlob(a) && !isGlob(b)) return false;
  const [x, y] = [tokensOf(a), tokensOf(b)];
  let reached = new Set([0]); // positions in y that the tokens of x so far can reach
  for (let i = 0; ; i++) {
    for (const j of reached) if (y[j] === "*") reached.add(j + 1); // a Set's loop also visits what is added in it
    const token = x[i];
    if (token === undefined) return [...reached].some((j) => y.slice(j).every((rest) => rest === "*"));
    const next = new Set<number>();
    if (token === "*") for (let to = Math.min(...reached); to <= y.length; to++) next.add(to);
    else
      for (const j of reached) {
        const other = y[j];
        if (other === "*") next.add(j);
        else if (other && setsMeet(token, other)) next.add(j + 1);
      }
    reached = next;
    if (reached.size === 0) return false;
  }
}

function tokensOf(segment: string): GlobToken[] {
  const tokens: GlobToken[] = [];
  for (const [part, negation, inside] of segment.matchAll(/\[([!^]?)([^\]]+)\]|[\s\S]/gu)) {
    if (part === "*") tokens.push("*");
    else if (part === "?") tokens.push(ANY);
    else if (inside === undefined) tokens.push({ isNegated: false, ranges: [[codeOf(part), codeOf(part)]] });
    else tokens.push({ isNegated: negation !== "", ranges: rangesOf(inside) });
  }
  return tokens;
}

function rangesOf(inside: string): [number, number][] {
  return [...inside.matchAll(/([\s\S])-([\s\S])|[\s\S]/gu)].map(([part, first = part, last = part]) => [
    codeOf(first),
    codeOf(last),
  ]);
}

function setsMeet(a: CharacterSet, b: CharacterSet): boolean {
  if (a.isNegated && b.isNegated) return true;
  if (b.isNegated) return setsMeet(b, a);
  if (a.isNegated)
    return !b.ranges.every(([first, last]) => a.ranges.some(([from, to]) => from <= first && last <= to));
  return a.ranges.some(([first, last]) => b.ranges.some(([from, to]) => first <= to && from <= last));
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0;
}
