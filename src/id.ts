import fs from "node:fs";
import { customRandom } from "nanoid";
import { errno } from "./errors.ts";

const TIME_DIGITS = 9; // base 36: enough until the year 5188, and padded so that names sort by time
const RANDOM_DIGITS = 12; // 62 bits: two ids of one millisecond collide with a chance of 1 in 4.7e18
const SHORT_DIGITS = 6; // of the random ones
const OURS = new RegExp(`^[a-z]+-([0-9a-z]{${TIME_DIGITS}})[0-9a-z]{${RANDOM_DIGITS}}$`);

/** A clock that runs ahead by more than this (ms) is taken as wrong, and its times are not followed. */
export const MAX_CLOCK_LEAD_MS = 10 * 60_000;

const random = customRandom("0123456789abcdefghijklmnopqrstuvwxyz", RANDOM_DIGITS, randomBytes);

/** A new id, `<prefix>-<time><random>`, all lower case; `ls` shows ids of one prefix in order of their time (ms). */
export function newId(prefix: string, time: number): string {
  return `${prefix}-${Math.max(0, Math.floor(time)).toString(36).padStart(TIME_DIGITS, "0")}${random()}`;
}

/** The id that every process makes for one thing, from its time (ms) and a word of `[0-9a-z]` that identifies it. */
export function idFor(prefix: string, time: number, word: string): string {
  const digits = Math.max(0, Math.min(Math.floor(time), 36 ** TIME_DIGITS - 1)).toString(36);
  return `${prefix}-${digits.padStart(TIME_DIGITS, "0")}${word.padEnd(RANDOM_DIGITS, "0").slice(0, RANDOM_DIGITS)}`;
}

/** A short random word that nobody can guess, for names that must never be met again. */
export function newNonce(): string {
  return random();
}

/** The end of an id of ours, for texts: 2.2e9 of them, so that one of 50,000 is met twice with a chance of 1 in 44,000. */
export function shortId(id: string): string {
  return OURS.test(id) ? id.slice(-SHORT_DIGITS) : id;
}

/** The same for each id in a text of our own. */
export function withShortIds(text: string): string {
  return text.replace(/\b(?:msg|task|wait|claim|decision)-[0-9a-z]{21}\b/g, shortId);
}

/** The time (ms) inside an id that agent-relay made, or undefined for an id that another program made. */
export function timeOf(id: string): number | undefined {
  const digits = OURS.exec(id)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 36);
}

/**
 * The time (ms) for a new id: now, but after each time in `after` (the sender's last message, the answered one),
 * so that a clock that steps back does not reorder a conversation.
 */
export function timeAfter(now: number, after: readonly (number | undefined)[]): number {
  const bound = now + MAX_CLOCK_LEAD_MS;
  return after.reduce<number>(
    (time, other) => (other === undefined || other > bound ? time : Math.max(time, other + 1)),
    now,
  );
}

/**
 * Bytes from the system's own generator: from its file where there is one. node:crypto reads the same source, but
 * loading it takes a tenth of bare node's start.
 */
function randomBytes(count: number): Uint8Array {
  if (pool.length < count) pool = freshBytes(count * 64);
  const bytes = pool.subarray(0, count);
  pool = pool.subarray(count);
  return bytes;
}
let pool: Uint8Array = new Uint8Array();

function freshBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  let fd: number;
  try {
    fd = fs.openSync("/dev/urandom", "r");
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return globalThis.crypto.getRandomValues(bytes);
  }
  try {
    return fs.readSync(fd, bytes) === count ? bytes : globalThis.crypto.getRandomValues(bytes);
  } finally {
    fs.closeSync(fd);
  }
}
