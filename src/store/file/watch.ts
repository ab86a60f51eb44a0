import fs from "node:fs";
import { errno } from "../../errors.ts";
import { changeStream } from "../change-stream.ts";
import type { Hint } from "../store.ts";

const SLOW_POLL_MS = 1000; // beside the system's own events: some disks give none, and any disk may drop one
const YIELD_EVERY_POLLS = 5; // polls; for changes the folder's time does not show, and for its reader's regular work

/** Yields at once, and then whenever something in `folder` may have changed, and every 5 s, until `signal` aborts. */
export function watchFolder(folder: string, signal: AbortSignal): AsyncGenerator<Hint> {
  return changeStream((notice) => {
    const watcher = startWatching(folder, notice);
    let polls = 0;
    let time = changeTime(folder);
    const poll = setInterval(() => {
      const before = time;
      time = changeTime(folder);
      if (time !== before) notice();
      else if (++polls % YIELD_EVERY_POLLS === 0) notice("perhaps");
    }, SLOW_POLL_MS);
    return () => {
      clearInterval(poll);
      watcher?.close();
    };
  }, signal);
}

/** The system's watcher, or undefined if the system has none left to give: the slow poll then works alone. */
function startWatching(folder: string, notice: () => void): fs.FSWatcher | undefined {
  try {
    const watcher = fs.watch(folder, () => notice());
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch (error) {
    if (["ENOSPC", "EMFILE", "ENOSYS", "ENOTSUP"].includes(errno(error) ?? "")) return undefined;
    throw error;
  }
}

function changeTime(folder: string): number | undefined {
  return fs.lstatSync(folder, { throwIfNoEntry: false })?.mtimeMs;
}
