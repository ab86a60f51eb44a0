import { createHash } from "node:crypto";

/** A word as a file's name, 40 hex digits of its SHA-256: nobody can make another word that has the same. */
export function fileNameFor(word: string): string {
  return createHash("sha256").update(word).digest("hex").slice(0, 40);
}
