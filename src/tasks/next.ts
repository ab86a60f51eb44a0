import { PID_POLL_MS } from "../claims/queue.ts";
import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { checkTimeout } from "../limits.ts";
import { ChangeWaiter } from "../store/changes.ts";
import { steady } from "../time.ts";
import { nextTask, type TakeOptions } from "./take.ts";
import type { Task } from "./task.ts";
import type { Telling } from "./update.ts";

export interface NextOptions extends TakeOptions {
  /** How long to wait until a task is ready, ms; default not at all. */
  readonly waitMs?: number | undefined;
  /** Ends the wait, by its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes the first ready task; with `waitMs`, once there is one. Undefined if there is none in time. Throws `conflict` where
 * others hold the files of all of them.
 */
export async function nextTaskInTime(
  context: Context,
  { waitMs, signal, ...options }: NextOptions & Telling,
): Promise<Task | undefined> {
  if (waitMs === undefined) return nextTask(context, options);
  const until = steady() + checkTimeout(waitMs);
  const folders = ["tasks/ready", "agents", ...(options.claimFiles ? ["claims"] : [])];
  const hints = new ChangeWaiter(context.store, folders);
  const stop = () => hints.end();
  signal?.addEventListener("abort", stop);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const found = await hints.throughOutages(() => taken(context, options), until);
      const left = until - steady();
      if (found instanceof RelayError && left <= 0) throw found;
      if (found !== undefined && !(found instanceof RelayError)) return found;
      if (left <= 0) return undefined;
      await hints.next(Math.min(left, PID_POLL_MS)); // a lease that runs out, and a process that dies, wake nobody
    }
  } catch (error) {
    signal?.throwIfAborted(); // also in an outage
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
}

/** The error, where others hold the files of all tasks that are ready: they may give them back in time. */
async function taken(context: Context, options: TakeOptions & Telling): Promise<Task | RelayError | undefined> {
  try {
    return await nextTask(context, options);
  } catch (error) {
    if (error instanceof RelayError && error.code === "conflict") return error;
    throw error;
  }
}
