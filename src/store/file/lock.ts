import fs from "node:fs";
import { errno, RelayError } from "../../errors.ts";
import { makeFolders } from "../../folders.ts";
import { newNonce } from "../../id.ts";
import { liveness, type ProcessIdentity, thisProcess } from "../../machine/process.ts";
import { sleep, steady } from "../../time.ts";
import { remove } from "./files.ts";

/** A lock whose owner cannot be seen, or does not move, is broken after this (ms). A real hold takes about 1 ms. */
const LOCK_LEASE_MS = 5000;
const BARE_LOCK_GRACE_MS = 20; // ms a lock may stand without an owner: its maker is between two system calls, or dead
const GIVE_UP_MS = 3 * LOCK_LEASE_MS;

/** A lock's holder fills the empty file `draft` and commits by renaming it. For `own: "folder"` see withLock. */
export interface HeldLock {
  readonly draft: string;
}

/**
 * Runs `update` while no one else holds the lock `path`, and returns what it returned.
 *
 * `path` is a folder. In it the holder makes an empty file of its own, whose name says who it is and is never used
 * again; it fills that file and commits by renaming it. A breaker of the lock removes that file first. So a holder that
 * was stopped until its lock was broken cannot commit and cannot unlock: its own path is gone. `update` then fails with
 * ENOENT, and runs again under a new lock. For an update that removes, `own` is `folder`: a folder stands in place of
 * the file, and `draft` is a free name in it. The holder removes a record by renaming it to `draft`.
 *
 * Throws `conflict` if the lock is never free.
 */
export async function withLock<T>(
  path: string,
  update: (held: HeldLock) => T,
  own: "file" | "folder" = "file",
): Promise<T> {
  const seen = new SeenLock();
  for (;;) {
    if (isEntered(path)) {
      try {
        const mine = takeAlone(path, own);
        if (mine) {
          try {
            return update({ draft: own === "file" ? mine : goneIn(mine) });
          } catch (error) {
            if (errno(error) !== "ENOENT" || fs.existsSync(mine)) throw error; // else the lock was broken under us
          } finally {
            discard(mine);
          }
        }
      } finally {
        removeFolder(path);
      }
    } else {
      breakIfAbandoned(path, seen);
    }
    if (seen.waited() > GIVE_UP_MS)
      throw new RelayError("conflict", `Cannot update "${path}": others held its lock for ${GIVE_UP_MS / 1000} s`, {
        next: "run it again",
      });
    await sleep(1 + Math.random() * 9);
  }
}

/** Tries to enter the gate, a folder that one process at a time can make. False if another is inside. */
function isEntered(path: string): boolean {
  if (fs.existsSync(path)) return false; // one cheap call for each of many waiters: trying costs the holder its turn
  try {
    fs.mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (errno(error) === "ENOENT") makeParent(path);
    else if (errno(error) !== "EEXIST") throw error;
    return false;
  }
}

/** The holder's own file or folder, or undefined if a holder that was taken for dead came back into the same gate. */
function takeAlone(path: string, own: "file" | "folder"): string | undefined {
  const me = thisProcess();
  const mine = `${path}/${newNonce()}.${me.pid}.${me.started ?? 0}.${me.place}`;
  try {
    if (own === "file") fs.closeSync(fs.openSync(mine, "wx", 0o600));
    else fs.mkdirSync(mine, { mode: 0o700 });
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined; // our gate was taken for abandoned before we marked it as ours
    throw error;
  }
  if (fs.readdirSync(path).length === 1) return mine;
  discard(mine);
  return undefined;
}

/** Removes a holder's file or folder, with what is in it. Its name is never used again, so this can hit no other. */
function discard(mine: string): void {
  const found = fs.lstatSync(mine, { throwIfNoEntry: false });
  if (!found) return; // it was renamed to where it belongs
  if (!found.isDirectory()) return void remove(mine);
  if (removeFolder(mine)) return;
  remove(goneIn(mine));
  if (!removeFolder(mine)) fs.rmSync(mine, { force: true, recursive: true });
}

function goneIn(mine: string): string {
  return `${mine}/gone`;
}

function breakIfAbandoned(path: string, seen: SeenLock): void {
  const owners = list(path);
  if (owners === undefined) return;
  const age = seen.age(owners.join());
  if (owners.length === 0 && age > BARE_LOCK_GRACE_MS) removeFolder(path); // fails if an owner has come
  for (const owner of owners)
    if (age > LOCK_LEASE_MS || (age > 5 && liveness(processOf(owner)) === "dead")) {
      discard(`${path}/${owner}`);
      removeFolder(path);
    }
}

/** Breaks the locks in `folder` that were last changed before `before` (Unix ms). Returns how many. */
export function sweepLocks(folder: string, before: number): number {
  const old = (list(folder) ?? []).filter((name) => {
    return (fs.lstatSync(`${folder}/${name}`, { throwIfNoEntry: false })?.mtimeMs ?? before) < before;
  });
  for (const name of old) {
    for (const owner of list(`${folder}/${name}`) ?? []) discard(`${folder}/${name}/${owner}`);
    removeFolder(`${folder}/${name}`);
  }
  return old.length;
}

/** How long one waiter has seen the same owners of a lock, by a clock that nobody sets. */
class SeenLock {
  readonly #start = steady();
  #what = "";
  #since = this.#start;

  age(what: string): number {
    if (what !== this.#what) this.#since = steady();
    this.#what = what;
    return steady() - this.#since;
  }

  waited(): number {
    return steady() - this.#start;
  }
}

function processOf(owner: string): ProcessIdentity {
  const [, pid, started, ...place] = owner.split(".");
  return { pid: Number(pid), started: Number(started) || undefined, place: place.join(".") };
}

function list(folder: string): string[] | undefined {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Removes a folder if it is one and is empty. False if something stays. */
function removeFolder(path: string): boolean {
  try {
    fs.rmdirSync(path);
    return true;
  } catch (error) {
    const code = errno(error) ?? "";
    if (code !== "ENOENT" && !["ENOTEMPTY", "ENOTDIR", "EEXIST", "EBUSY", "EPERM"].includes(code)) throw error;
    return code === "ENOENT";
  }
}

function makeParent(path: string): void {
  makeFolders(path.slice(0, path.lastIndexOf("/")), 0o700);
}
