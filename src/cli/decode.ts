import { RelayError } from "../errors.ts";

/**
 * Bytes as text: UTF-8, or UTF-16 with a byte order mark, as PowerShell writes it. Throws `usage` for anything else: shown
 * as what it is not, it would be lost without a word.
 */
export function decoded(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  const text = utf8(bytes);
  if (text !== undefined && !text.includes("\0")) return text;
  throw new RelayError("usage", "Cannot read the text: it is not UTF-8", {
    next: "convert it: iconv -f UTF-16LE -t UTF-8, or -f LATIN1, or what it is in",
  });
}

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
