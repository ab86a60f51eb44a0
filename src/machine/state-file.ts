import fs from "node:fs";
import path from "node:path";
import { errno, RelayError, systemError } from "../errors.ts";
import { makeFolders } from "../folders.ts";
import { newNonce } from "../id.ts";
import { jsonText } from "../text.ts";

const { O_RDONLY, O_NONBLOCK = 0 } = fs.constants;

// Small files of this user that belong to no relay: in the user's state folder, or where the caller says.

/** A file's text, or undefined if there is no such file. Never waits for a pipe. Throws `refused` for what is no file. */
export function readStateText(file: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openState(file);
    return fd === undefined ? undefined : fs.readFileSync(fd, "utf8");
  } catch (error) {
    throw systemError(`read "${file}"`, error);
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

/** A descriptor of a plain file; undefined if there is none. Never waits for a pipe. Throws `refused` for what is no file. */
function openState(file: string): number | undefined {
  let fd: number;
  try {
    fd = fs.openSync(file, O_RDONLY | O_NONBLOCK);
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    throw systemError(`read "${file}"`, error);
  }
  if (fs.fstatSync(fd).isFile()) return fd;
  fs.closeSync(fd);
  throw new RelayError("refused", `Cannot read "${file}": it is no file`, { next: "move it away" });
}

/** A JSON file's value, read by `schema`; undefined if there is none. Throws `corrupt`, with `next` if it is no JSON. */
export function readState<T>(
  file: string,
  schema: { parse(value: unknown, where: string): T },
  next: string,
): T | undefined {
  const text = readStateText(file);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text), file);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new RelayError("corrupt", `Cannot read "${file}": it is no JSON`, { next });
  }
}

/** Writes a file that only this user can read, whole or not at all. */
export function writeStateText(file: string, text: string): void {
  const draft = `${file}.${newNonce()}`;
  try {
    makeFolders(path.dirname(file), 0o700);
    try {
      fs.writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
      fs.renameSync(draft, file);
    } catch (error) {
      fs.rmSync(draft, { force: true });
      throw error;
    }
  } catch (error) {
    throw systemError(`write "${file}"`, error);
  }
}

export function writeState(file: string, value: object): void {
  writeStateText(file, `${jsonText(value, 2)}\n`);
}
