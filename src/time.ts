import { RelayError } from "./errors.ts";
import { jsonText } from "./text.ts";

export const LAST_DATE = 8.64e15; // ms; the farthest that a Date can show, before and after 1970

/** A time (Unix ms) as ISO 8601 has it, in UTC, with milliseconds. A time that no date can show is the last or first one. */
export function iso(time: number): string {
  return new Date(Math.max(-LAST_DATE, Math.min(LAST_DATE, time)) || 0).toISOString();
}

/** A moment, as a program gives it: ISO 8601, such as `2026-05-01T09:00:00Z`, or a Date. */
export type When = string | Date;

/** A moment in Unix ms; `otherwise` if none is given. Throws `usage` for what is none. */
export function timeAt(when: When | undefined, otherwise: number): number {
  if (when === undefined) return otherwise;
  const time = when instanceof Date ? when.getTime() : /^[+-]?\d{4,6}-\d\d/.test(when) ? Date.parse(when) : Number.NaN;
  if (!Number.isNaN(time)) return time;
  throw new RelayError("usage", `Cannot tell what time ${jsonText(String(when))} is`, {
    next: "give ISO 8601, such as 2026-05-01T09:00:00Z, or a Date",
  });
}

/** A time (Unix ms) for people: by the clock on their wall, with its offset, `Z` for none. `Date.parse` reads it back. */
export function localTime(time: number): string {
  const at = new Date(iso(time));
  const minutes = -at.getTimezoneOffset();
  const wall = iso(at.getTime() + minutes * 60_000).replace(/\.\d+Z$/, "");
  if (minutes === 0) return `${wall}Z`;
  const two = (count: number) => String(Math.floor(count)).padStart(2, "0");
  return `${wall}${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}

const WRITTEN = 24; // characters that `iso` writes for a year of four digits: such times stand in the order of their letters
let latest = { now: 0, written: iso(0) };

/** Whether a time in ISO 8601 with Z has come by `now` (Unix ms). To parse each of many takes ten times as long. */
export function isPast(until: string, now: number): boolean {
  if (latest.now !== now) latest = { now, written: iso(now) };
  if (until.length !== WRITTEN || latest.written.length !== WRITTEN) return Date.parse(until) <= now;
  return until <= latest.written;
}

/** The day of a time (Unix ms), `yyyy-mm-dd`, in UTC. */
export function dayOf(time: number): string {
  return iso(time).slice(0, 10);
}

/** Milliseconds by a clock that nobody sets. Not `performance`, which takes 2 ms of a run to load. */
export function steady(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Unix ms by the clock that the system stamps files with, whatever time a program or a test goes by. */
export function systemTime(): number {
  return Date.now();
}

/** Waits for `ms`, or until `signal` aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
}
