import type { Io } from "./io.ts";
import { INTERRUPTED } from "./io.ts";

/** Runs `run` to its end or an interrupt, which is no failure. Returns the exit code of an interrupt, or undefined. */
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
