/** How much of something there is room for. */
export interface RoomSize {
  readonly chars?: number;
  /** Of UTF-8. */
  readonly bytes?: number;
  /** An estimate: four characters of ASCII are a token, and so is any other character. */
  readonly tokens?: number;
}

/** What still fits into what a reader is shown at once. */
export class Room {
  #left: Required<RoomSize>;

  constructor({ chars = Infinity, bytes = Infinity, tokens = Infinity }: RoomSize) {
    this.#left = { chars, bytes, tokens };
  }

  /** Takes room for a text; false, and takes none, if it does not fit. */
  take(text: string): boolean {
    const left = less(this.#left, text);
    if (left.chars < 0 || left.bytes < 0 || left.tokens < 0) return false;
    this.#left = left;
    return true;
  }

  /** As many of these texts as fit whole, from the first on; at least one, also where it does not fit. */
  asManyAsFit(texts: readonly string[]): string[] {
    const [first, ...others] = texts;
    if (first === undefined || !this.take(first)) return texts.slice(0, 1);
    const count = others.findIndex((text) => !this.take(text));
    return count < 0 ? [...texts] : texts.slice(0, count + 1);
  }
}

/** The room that is left after a text; below 0 where it does not fit. */
export function less({ chars, bytes, tokens }: Required<RoomSize>, text: string): Required<RoomSize> {
  return {
    chars: chars - text.length,
    bytes: bytes - (bytes === Infinity ? 0 : Buffer.byteLength(text)),
    tokens: tokens - (tokens === Infinity ? 0 : tokensIn(text)),
  };
}

function tokensIn(text: string): number {
  const other = text.replace(/[\0-\x7f]/g, "").length;
  return (text.length - other) / 4 + other;
}
