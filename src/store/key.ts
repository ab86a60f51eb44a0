import { RelayError } from "../errors.ts";
import type { Schema } from "../schema.ts";
import { asTyped } from "../text.ts";

const MAX_SEGMENT_BYTES = 128;
const DEVICE = "(?:con|prn|aux|nul|com[0-9]|lpt[0-9])"; // Windows keeps these, with any ending
const GOOD = `(?!${DEVICE}(?:[./]|$))[a-z0-9_-](?:[a-z0-9._-]{0,${MAX_SEGMENT_BYTES - 2}}[a-z0-9_-])?(?<!\\.json)`;
const SEGMENT = new RegExp(`^${GOOD}$`, "i");
const KEY = new RegExp(`^${GOOD}(?:/${GOOD})*$`, "i");

/**
 * The only check between a word and a path. A key is one or more segments joined by `/`. Each segment is 1 to 128
 * bytes of `[A-Za-z0-9._-]`, has no leading and no trailing dot, does not end in `.json`, and is no Windows device
 * name. Returns the key. Throws `usage`.
 */
export function checkKey(key: string): string {
  if (!KEY.test(key)) for (const segment of key.split("/")) checkSegment(segment);
  return key;
}

/** `checkKey` for one segment, such as a session id. Throws `usage`; its message calls the segment a `what`. */
export function checkSegment(segment: string, what = "key"): string {
  if (SEGMENT.test(segment)) return segment;
  throw new RelayError("usage", `Cannot use ${asTyped(segment)} as a ${what}: ${faultOf(segment)}`);
}

/** Whether a name found in a folder could have been made from a key. Other names are strays and are skipped. */
export function isSegment(name: string): boolean {
  return SEGMENT.test(name);
}

export function isKey(word: string): boolean {
  return KEY.test(word);
}

function faultOf(segment: string): string {
  if (segment === "") return "it is empty";
  if (segment.length > MAX_SEGMENT_BYTES) return `it is longer than ${MAX_SEGMENT_BYTES} bytes`;
  if (segment.endsWith(".")) return "it ends with a dot";
  if (/\.json$/i.test(segment)) return "a record's file ends like that";
  if (/^[a-z0-9_-][a-z0-9._-]*$/i.test(segment)) return "Windows keeps that name for a device";
  return "only A-Z a-z 0-9 . _ - may be in it, and no dot at its start";
}

/** A word that becomes part of a key. */
export const KeySegment: Schema<string> = {
  json: { type: "string" },
  parse(value, where) {
    if (typeof value === "string" && isSegment(value)) return value;
    throw new RelayError("corrupt", `Cannot read "${where}": it is no word that can be part of a key`);
  },
};
