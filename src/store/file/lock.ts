import fs from "node:fs";
import lockfile from "proper-lockfile";
import { errno, RelayError } from "../../errors.ts";
import { newNonce } from "../../id.ts";
import { liveness, type Process, thisProcess } from "../../place.ts";

/** A lock whose owner cannot be seen, or does not move, is broken after this (ms). A real hold takes about 1 ms. */
export const LOCK_LEASE = 5000;
const BARE_LOCK_GRACE = 20; // ms a lock may stand without an owner: its maker is between two system calls, or dead
const GIVE_UP = 3 * LOCK_LEASE;
const NEVER = 0x7fffffff; // ms; the library's own takeover must not happen: it lets two in

/** What the holder of a lock may do: put its new file at `draft`, and rename from there to commit. */
export interface Held {
  readonly draft: string;
}

/**
 * Runs `update` while no one else holds the lock `path`, and returns what it returned.
 *
 * `path` is a folder. In it the holder makes a folder of its own, whose name says who it is and is never used again,
 * and commits by renaming out of that folder (or into it, to remove). Who breaks a lock removes that folder first. So a
 * holder that was stopped until its lock was broken cannot commit and cannot unlock: its own path is gone. `update`
 * then fails with ENOENT, and runs again under a new lock.
 *
 * Throws `conflict` if the lock is never free.
 */
export async function withLock<T>(path: string, update: (held: Held) => T): Promise<T> {
  const seen = new Sighting();
  for (;;) {
    const release = enter(path);
    if (release) {
      try {
        const own = takeAlone(path);
        if (own) {
          try {
            return update({ draft: `${own}/next` });
          } catch (error) {
            if (errno(error) !== "ENOENT" || fs.existsSync(`${own}/next`)) throw error; // else the lock was broken under us
          } finally {
            if (!removeFolder(own)) empty(own);
          }
        }
      } finally {
        release();
      }
    } else {
      breakIfAbandoned(path, seen);
    }
    if (seen.waited() > GIVE_UP)
      throw new RelayError("conflict", `Cannot update "${path}": others held its lock for ${GIVE_UP / 1000} s`, {
        next: "run it again",
      });
    await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 9));
  }
}

/** The gate: one process at a time gets through. Undefined if another is inside. */
function enter(path: string): (() => void) | undefined {
  if (fs.existsSync(path)) return undefined; // one cheap call for each of many waiters: trying costs the holder its turn
  try {
    return lockfile.lockSync(path, {
      lockfilePath: path,
      realpath: false,
      stale: NEVER,
      update: NEVER / 2,
      fs: gateFs,
    });
  } catch (error) {
    const code = errno(error);
    if (code === "ELOCKED") return undefined;
    if (code !== "ENOENT") throw error;
    makeParent(path); // or our empty gate was removed at once: either way, try again
    return undefined;
  }
}

/** The holder's own folder, or undefined if someone who was taken for dead came back into the same gate. */
function takeAlone(path: string): string | undefined {
  const me = thisProcess();
  const own = `${path}/${newNonce()}.${me.pid}.${me.started ?? 0}.${me.place}`;
  try {
    fs.mkdirSync(own, { mode: 0o700 });
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined; // our gate was taken for abandoned before we marked it as ours
    throw error;
  }
  if (fs.readdirSync(path).length === 1) return own;
  empty(own);
  return undefined;
}

function breakIfAbandoned(path: string, seen: Sighting): void {
  const owners = list(path);
  if (owners === undefined) return;
  const age = seen.age(owners.join());
  if (owners.length === 0 && age > BARE_LOCK_GRACE) removeFolder(path); // fails if an owner has come
  for (const owner of owners)
    if (age > LOCK_LEASE || (age > 5 && liveness(processOf(owner)) === "dead")) {
      empty(`${path}/${owner}`);
      removeFolder(path);
    }
}

/** Breaks the locks of `folder` that were taken before `before` (Unix ms). Returns how many. */
export function sweepLocks(folder: string, before: number): number {
  const old = (list(folder) ?? []).filter((name) => {
    return (fs.lstatSync(`${folder}/${name}`, { throwIfNoEntry: false })?.mtimeMs ?? before) < before;
  });
  for (const name of old) {
    for (const owner of list(`${folder}/${name}`) ?? []) empty(`${folder}/${name}/${owner}`);
    removeFolder(`${folder}/${name}`);
  }
  return old.length;
}

/** How long one waiter has seen the same thing, by a clock that nobody sets. */
class Sighting {
  readonly #start = performance.now();
  #what = "";
  #since = this.#start;

  age(what: string): number {
    if (what !== this.#what) this.#since = performance.now();
    this.#what = what;
    return performance.now() - this.#since;
  }

  waited(): number {
    return performance.now() - this.#start;
  }
}

function processOf(owner: string): Process {
  const [, pid, started, ...place] = owner.split(".");
  return { pid: Number(pid), started: Number(started) || undefined, place: place.join(".") };
}

function empty(folder: string): void {
  for (const name of list(folder) ?? []) fs.rmSync(`${folder}/${name}`, { force: true });
  removeFolder(folder);
}

function list(folder: string): string[] | undefined {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Removes a folder if it is empty. False if it stays. */
function removeFolder(path: string): boolean {
  try {
    fs.rmdirSync(path);
    return true;
  } catch (error) {
    const code = errno(error) ?? "";
    if (code !== "ENOENT" && !["ENOTEMPTY", "EEXIST", "EBUSY", "EPERM"].includes(code)) throw error;
    return code === "ENOENT";
  }
}

function makeParent(path: string): void {
  fs.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
}

// What proper-lockfile needs of fs for a gate. Its probe of the disk's time precision is for a takeover that is off.
const gateFs = {
  mkdirSync: (path: string) => fs.mkdirSync(path, { mode: 0o700 }),
  statSync: (path: string) => fs.statSync(path),
  utimesSync: () => {},
  rmdirSync: removeFolder,
};
