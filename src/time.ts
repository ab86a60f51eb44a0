const LAST_DATE = 8.64e15; // ms; the farthest that a Date can show, before and after 1970

/** A time (Unix ms) as ISO 8601 has it, in UTC, with milliseconds. A time that no date can show is the last or first one. */
export function iso(time: number): string {
  return new Date(Math.max(-LAST_DATE, Math.min(LAST_DATE, time)) || 0).toISOString();
}

/** The same without milliseconds, for people. */
export function isoSeconds(time: number): string {
  return iso(time).replace(/\.\d+Z$/, "Z");
}

/** The day of a time (Unix ms), `yyyy-mm-dd`, in UTC. */
export function dayOf(time: number): string {
  return iso(time).slice(0, 10);
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
