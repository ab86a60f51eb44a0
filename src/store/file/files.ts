import fs from "node:fs";
import { BoundedMap } from "../../bounded-map.ts";
import { errno, RelayError } from "../../errors.ts";
import { makeFolders } from "../../folders.ts";
import { steady } from "../../time.ts";

// Every call here is synchronous on purpose: one costs 5 to 40 microseconds, a round trip to the thread pool more than
// that (a durable write took 0.38 ms so, 0.49 ms with asynchronous fsync), and a fixed order of system calls is what
// lets the tests stop a process at each of them.

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/** Our records are far smaller. A larger file is not ours and is not read into memory. */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024;

/** Our records are far shallower. A record nested much deeper can be read but not written again. */
const MAX_DEPTH = 200;

/** Why a file that is there, and that this user may read, cannot be used as a record. */
export class Unusable extends Error {}

/** A file's text, or undefined if there is none. Never follows a link, never waits for a pipe. Throws Unusable. */
export function readText(path: string): string | undefined {
  const bytes = readBytes(path);
  return bytes === undefined ? undefined : decode(bytes);
}

function readBytes(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const code = errno(error);
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP" || code === "EMLINK") throw new Unusable("it is a symbolic link");
    if (code === "ENXIO" || code === "EISDIR") throw new Unusable("it is not a file");
    throw error;
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) throw new Unusable("it is not a file");
    if (stat.size > MAX_RECORD_BYTES) throw new Unusable(`it is larger than ${MAX_RECORD_BYTES} bytes`);
    return readAll(fd, stat.size);
  } finally {
    fs.closeSync(fd);
  }
}

/** Writes a new file whole, and to the disk itself if `lasting`. Throws EEXIST if there is one. */
export function writeNew(path: string, bytes: Buffer, lasting: boolean): void {
  const fd = fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
  try {
    writeAll(fd, bytes);
    if (lasting) fs.fsyncSync(fd);
  } catch (error) {
    fs.closeSync(fd);
    fs.rmSync(path, { force: true });
    throw error;
  }
  fs.closeSync(fd);
}

/** Writes over a file that must be there, and to the disk itself if `lasting`. Throws ENOENT if it is not. */
export function writeOver(path: string, bytes: Buffer, lasting: boolean): void {
  const fd = fs.openSync(path, O_WRONLY | O_TRUNC | O_NOFOLLOW);
  try {
    writeAll(fd, bytes);
    if (lasting) fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** A record file's object, or undefined if there is none. Throws Unusable. */
export function readRecord(path: string): Readonly<Record<string, unknown>> | undefined {
  const bytes = readBytes(path);
  if (bytes === undefined) return undefined;
  const before = large.get(path);
  if (before?.bytes.equals(bytes)) return before.value;
  const value = recordIn(bytes);
  if (bytes.length >= LARGE_RECORD_BYTES) remember(path, bytes, value);
  return value;
}

function recordIn(bytes: Buffer): Readonly<Record<string, unknown>> {
  if (bytes.length === 0) throw new Unusable("it is empty");
  const value = parse(decode(bytes));
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Unusable("it is not a JSON object");
  if (isDeeper(value, MAX_DEPTH)) throw new Unusable(`it is nested deeper than ${MAX_DEPTH}`);
  return { ...value };
}

// The last large records read, with their bytes: to compare 300 KB takes 15 microseconds, to parse them 1,200.
const LARGE_RECORD_BYTES = 16 * 1024;
const MAX_LARGE_RECORDS = 4;
const large = new BoundedMap<string, { readonly bytes: Buffer; readonly value: Readonly<Record<string, unknown>> }>(
  MAX_LARGE_RECORDS,
);

/** Remembers the bytes that a record was just written as: its writer reads it next. */
export function rememberWritten(path: string, bytes: Buffer, value: Readonly<Record<string, unknown>>): void {
  if (bytes.length >= LARGE_RECORD_BYTES) remember(path, bytes, value);
}

function remember(path: string, bytes: Buffer, value: Readonly<Record<string, unknown>>): void {
  large.delete(path); // it is the latest now
  large.set(path, { bytes, value });
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1));
}

/** Makes an empty file if there is none, and its folder too. */
export function makeMark(path: string): void {
  try {
    makeEmpty(path);
  } catch (error) {
    if (errno(error) !== "ENOENT") throw error;
    makeFolder(path.slice(0, path.lastIndexOf("/")));
    makeEmpty(path);
  }
}

/** Sets a file's time (Unix ms). False if there is no such file. */
export function setTime(path: string, time: number): boolean {
  try {
    fs.lutimesSync(path, time / 1000, time / 1000);
    return true;
  } catch (error) {
    if (errno(error) === "ENOENT") return false;
    throw error;
  }
}

/** Whether a file was last changed before `time` (Unix ms). */
export function isOlder(path: string, time: number): boolean {
  return (fs.lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? time) < time;
}

export function makeFolder(path: string): void {
  makeFolders(path, FOLDER_MODE);
}

/** Renames, replacing the target. On Windows a reader may hold the target open: tries again for 2 s. */
export function rename(from: string, to: string): void {
  if (process.platform !== "win32") fs.renameSync(from, to);
  else renameWhenFree(from, to, steady() + 2000);
}

function renameWhenFree(from: string, to: string, until: number): void {
  for (;;) {
    try {
      fs.renameSync(from, to);
      return;
    } catch (error) {
      if (!["EPERM", "EACCES", "EBUSY"].includes(errno(error) ?? "") || steady() > until) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}

/**
 * Gives a written file its final name, once: `exists` if that name is taken. `no links` if the disk has no hard
 * links: the caller then needs a lock. The draft stays.
 */
export function linkOnce(draft: string, target: string): "done" | "exists" | "no links" {
  try {
    fs.linkSync(draft, target);
    return "done";
  } catch (error) {
    const code = errno(error) ?? "";
    if (code === "EEXIST") return "exists";
    if (["EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "EXDEV", "ENOSYS"].includes(code)) return "no links";
    throw error;
  }
}

/** Writes a folder's names to the disk itself. Windows has no such call and needs none. */
export function syncFolder(path: string): void {
  if (process.platform === "win32") return;
  const fd = fs.openSync(path, O_RDONLY);
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** The folder's file names (no folders), or none if it is not there. */
export function namesIn(folder: string): string[] {
  return entriesIn(folder)
    .filter((entry) => !entry.isDirectory())
    .map((entry) => entry.name);
}

/** The names of the real folders in a folder; none if it is not there. */
export function foldersIn(folder: string): string[] {
  return entriesIn(folder)
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

function entriesIn(folder: string): fs.Dirent[] {
  if (!fs.lstatSync(folder, { throwIfNoEntry: false })) return []; // an error takes twenty times as long to make
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (errno(error) === "ENOENT") return [];
    throw error;
  }
}

export function remove(path: string): boolean {
  try {
    fs.unlinkSync(path);
    return true;
  } catch (error) {
    if (errno(error) === "ENOENT") return false;
    throw error;
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length; ) {
    const count = fs.writeSync(fd, bytes, done);
    if (count === 0) throw new RelayError("failed", "Cannot write: the system took no bytes");
    done += count;
  }
}

/** A file's bytes: those it had when it was opened, or fewer. */
function readAll(fd: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let done = 0;
  for (let count = -1; done < size && count !== 0; done += count)
    count = fs.readSync(fd, bytes, done, size - done, done);
  return bytes.subarray(0, done);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new Unusable("it is not UTF-8");
    throw error;
  }
}

export function makeEmpty(path: string): void {
  fs.closeSync(fs.openSync(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, FILE_MODE));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Unusable("it is not JSON");
    throw error;
  }
}
