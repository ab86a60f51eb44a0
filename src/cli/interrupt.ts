import type { Io } from "./io.ts";
import { INTERRUPTED } from "./io.ts";

/** Runs what an interrupt ends, which is no failure: returns the exit code for that, or undefined. */
export async function untilInterrupted(
  io: Io,
  run: (signal: AbortSignal) => Promise<void>,
): Promise<number | undefined> {
  const end = new AbortController();
  const reason = new Error("interrupted");
  io.onInterrupt(() => end.abort(reason));
  try {
    await run(end.signal);
    return undefined;
  } catch (error) {
    if (error !== reason) throw error;
    io.err("Interrupted: no longer waiting\n");
    return INTERRUPTED;
  }
}
