import width from "fast-string-width";

let graphemes: Intl.Segmenter | undefined;

/** How many cells of a terminal a text takes: two for a wide character or a picture, none for a combining mark. */
export function cellsOf(text: string): number {
  return width(text);
}

/** The text with spaces up to so many cells. */
export function padded(text: string, cells: number): string {
  return text + " ".repeat(Math.max(0, cells - cellsOf(text)));
}

/** The longest beginning of whole characters that fits into so many cells, with an ellipsis in place of the rest. */
export function cutToCells(text: string, cells: number): string {
  if (cellsOf(text) <= cells) return text;
  graphemes ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  let shown = "";
  for (const { segment } of graphemes.segment(text)) {
    if (cellsOf(shown + segment) > cells - 1) break;
    shown += segment;
  }
  return `${shown}…`;
}
