import { RelayError } from "./errors.ts";

export const MAX_TEXT_BYTES = 16 * 1024; // of a decision or a note

export function checkText(text: string, verb: string, most: number): string {
  if (!/\S/.test(text)) throw new RelayError("usage", `Cannot ${verb} nothing: give a text`);
  if (Buffer.byteLength(text) <= most) return text;
  throw new RelayError("limit", `Cannot ${verb} more than ${most} bytes`, {
    next: "write it to a file and name the file",
  });
}

/** Throws `usage` for an option that is not among the `known` ones: a misspelt one would be passed over in silence. */
export function checkOptions<T extends object>(verb: string, options: T, known: Readonly<Record<keyof T, true>>): void {
  const odd = Object.keys(options).find((name) => !Object.hasOwn(known, name));
  if (odd === undefined) return;
  const all = Object.keys(known).sort().join(", ");
  throw new RelayError("usage", `Cannot ${verb}: there is no option "${odd}"`, { next: `the options are ${all}` });
}

/** How long a claim or the lease on a task lasts, unless it is renewed. */
export const LEASE_TTL_MS = { default: 30 * 60_000, min: 10_000, max: 8 * 3_600_000 };

export const WAIT_TIMEOUT_MS = { blocking: 10 * 60_000, subscribed: 8 * 3_600_000, max: 7 * 86_400_000 };

/** Throws `usage` for a length (ms) that no wait may have. */
export function checkTimeout(timeout: number): number {
  if (timeout > 0 && timeout <= WAIT_TIMEOUT_MS.max) return Math.ceil(timeout);
  throw new RelayError("usage", `Cannot wait for ${timeout} ms: a wait lasts up to 7 days`, {
    next: "give --timeout 5m",
  });
}
