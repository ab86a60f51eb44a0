import fs from "node:fs";
import { errno } from "../../errors.ts";
import { changeStream } from "../change-stream.ts";
import type { Hint } from "../store.ts";
import { tellsOfChanges } from "./root.ts";

const LOOK_MS = 30_000; // where the system tells of changes: it may drop one
const POLL_MS = 1000; // where it does not
const YIELD_EVERY_MS = 5000; // where it does not: for changes that the folder's time does not show

/**
 * Yields at once, then whenever something in `folder` may have changed, and now and then `perhaps`, until `signal` aborts.
 * Where the system tells of changes, nothing is done between them but a look each 30 s; one that finds a change which nobody
 * told of begins to look each second.
 */
export function watchFolder(folder: string, signal: AbortSignal): AsyncGenerator<Hint> {
  return changeStream((notice) => {
    let time = changeTime(folder);
    const watcher = tellsOfChanges(folder)
      ? startWatching(folder, () => {
          time = changeTime(folder);
          notice();
        })
      : undefined;
    let every = watcher ? LOOK_MS : POLL_MS;
    let idle = 0;
    let timer: NodeJS.Timeout;
    const look = () => {
      const before = time;
      time = changeTime(folder);
      idle += every;
      if (time !== before) {
        notice();
        every = POLL_MS;
      } else if (idle >= YIELD_EVERY_MS) {
        notice("perhaps");
        idle = 0;
      }
      timer = setTimeout(look, every);
    };
    timer = setTimeout(look, every);
    return () => {
      clearTimeout(timer);
      watcher?.close();
    };
  }, signal);
}

/** The system's watcher, or undefined if the system has none left to give. */
function startWatching(folder: string, notice: () => void): fs.FSWatcher | undefined {
  try {
    const watcher = fs.watch(folder, notice);
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
