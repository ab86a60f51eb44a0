import { frame } from "../render/frame.ts";
import { Room } from "../render/room.ts";
import { beginning } from "../text.ts";

const MAX_TEXT_CHARS = 20_000; // of what is shown at once: hosts cut at 25,000 tokens, some at 10,000 bytes

/** The first lines that fit into MAX_TEXT_CHARS together, at least one. A single longer line goes through `cut`. */
export function asManyAsFit(all: readonly string[], cut: (line: string, most: number) => string): string[] {
  const shown = new Room({ chars: MAX_TEXT_CHARS }).asManyAsFit(all);
  return shown.map((line) => (line.length > MAX_TEXT_CHARS ? cut(line, MAX_TEXT_CHARS) : line));
}

/** The lines of peers in the frame, as many as fit, and how many do not. Empty if there are none. */
export function frameWhatFits(lines: readonly string[], what?: string, more = "more are not shown"): string {
  const shown = asManyAsFit(lines, (line, most) => `${beginning(line, most)}… (cut)\n`);
  const left = lines.length - shown.length;
  return `${frame(shown, what)}${left === 0 ? "" : `${left} ${more}\n`}`;
}
