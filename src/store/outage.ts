import { isAway } from "../errors.ts";
import { sleep, steady } from "../time.ts";

const PAUSE_MS = 1000; // beside the seconds for which a client tries by itself

/**
 * What `run` gives. While the relay's server is away, it is run again, until `signal` aborts or `until` (by
 * `steady`) is past; then it throws what `run` threw. `run` must be good for that.
 */
export async function throughOutages<T>(
  run: () => Promise<T>,
  signal: AbortSignal,
  until = Number.POSITIVE_INFINITY,
): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!isAway(error) || signal.aborted || steady() > until) throw error;
      await sleep(Math.min(PAUSE_MS, Math.max(0, until - steady())), signal);
    }
  }
}
