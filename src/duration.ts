import { RelayError } from "./errors.ts";

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * Reads `500ms`, `10s`, `5m`, `1h`, `2d`, or a bare number of seconds, as milliseconds.
 * Throws `usage` for anything else.
 */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim());
  const unit = match?.[2] ?? "s";
  if (!match || !isUnit(unit))
    throw new RelayError("usage", `Cannot read "${text}" as a duration: write 10s, 5m, 1h or 2d`);
  const ms = Math.round(Number(match[1]) * UNITS[unit]);
  if (!Number.isSafeInteger(ms)) throw new RelayError("usage", `Cannot read "${text}" as a duration: it is too long`);
  return ms;
}

/** Says how long `ms` is in one short word: `4s`, `12m`, `3h`, `2d`. A time in the future reads as `0s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** The same for the time left, rounded up to whole seconds: a lease that has just begun reads as its full length. */
export function formatLeft(ms: number): string {
  return formatDuration(Math.ceil(ms / 1000) * 1000);
}

function isUnit(text: string): text is keyof typeof UNITS {
  return Object.hasOwn(UNITS, text);
}

/** `parseDuration` of what may not be given. */
export function durationOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : parseDuration(text);
}
