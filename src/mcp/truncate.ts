import { frame } from "../render/frame.ts";

const MAX_TEXT_CHARS = 20_000; // characters of what is shown at once: hosts cut at 25,000 tokens, some at 10,000 bytes

/** The first of these that are not too long together, one at the least; a single one that is too long by `cut`. */
export function asManyAsFit(all: readonly string[], cut: (line: string, most: number) => string): string[] {
  let [size, count] = [0, 0];
  for (const line of all) {
    size += line.length;
    if (count > 0 && size > MAX_TEXT_CHARS) break;
    count++;
  }
  return all.slice(0, count).map((line) => (line.length > MAX_TEXT_CHARS ? cut(line, MAX_TEXT_CHARS) : line));
}

/** What peers wrote in the frame, as much of it as fits, and how much does not. Empty where there is nothing. */
export function framed(lines: readonly string[], what?: string, more = "more are not shown"): string {
  const shown = asManyAsFit(lines, (line, most) => `${line.slice(0, most)}… (cut)\n`);
  const left = lines.length - shown.length;
  return `${frame(shown, what)}${left === 0 ? "" : `${left} ${more}\n`}`;
}
