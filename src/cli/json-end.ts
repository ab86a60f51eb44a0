const [QUOTE, BACKSLASH, OPEN, CLOSE] = [0x22, 0x5c, 0x7b, 0x7d];

/** Finds the end of a JSON object in bytes that come in pieces: looks at each byte once, and parses nothing. */
export class JsonObjectEnd {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /** Whether the object ends within these bytes, the next ones. */
  isIn(bytes: Uint8Array): boolean {
    for (const byte of bytes) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (this.#isInString) {
        if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#isInString = false;
      } else if (byte === QUOTE) this.#isInString = true;
      else if (byte === OPEN) this.#depth++;
      else if (byte === CLOSE && --this.#depth === 0) return true;
    }
    return false;
  }
}
