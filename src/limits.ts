import { RelayError } from "./errors.ts";

// Numbers that both the one who writes and the server that is written to hold to.

export const MAX_TEXT_BYTES = 16 * 1024; // of a decision, a note, or a task's description
export const MAX_CLAIM_REASON_BYTES = 500; // it is shown in refusals
export const MAX_TASK_REASON_BYTES = 1000; // it is shown in each list
export const MAX_TITLE_BYTES = 200; // of a task: a title is one line of a table
export const MAX_NOTES = 100; // of a task
export const MAX_NOTES_BYTES = 64 * 1024; // of all notes of a task: they are read with it
export const MAX_STATUS_BYTES = 200; // of a session: it is one line of a table
export const MAX_METADATA_BYTES = 16 * 1024; // of a session: every list of the agents reads it
export const MAX_WAITS = 100; // of one session: every scan of any session checks each of them
export const MAX_CONDITIONS = 50; // of one wait: every scan checks each of them

// What one user may have on a server, over all its machines and sessions: the rest is for the others.

export const MAX_USER_SESSIONS = 500; // every list of agents reads each
export const MAX_USER_WAITS = 200;
export const MAX_USER_CONDITIONS = 1000; // of all its waits
export const MAX_USER_CLAIM_BYTES = 192 * 1024; // of the record of all claims, which everyone reads: a quarter of it
export const MAX_USER_MESSAGES_PER_MINUTE = 1200; // twice what one session may send

export function checkText(text: string, verb: string, most: number): string {
  if (!/\S/.test(text)) throw new RelayError("usage", `Cannot ${verb} nothing: give a text`);
  if (Buffer.byteLength(text) <= most) return text;
  throw new RelayError("limit", `Cannot ${verb} more than ${most} bytes`, {
    next: "write it to a file and name the file",
  });
}

/** The names of an interface's options, for `checkOptions`: the compiler sees that none is left out. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/** Throws `usage` for an option that is not among the `known` ones: a misspelt one would be passed over in silence. */
export function checkOptions<T extends object>(verb: string, options: T | undefined, known: OptionNames<T>): void {
  if (options === undefined) return;
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
