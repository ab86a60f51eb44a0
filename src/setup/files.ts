import fs from "node:fs";
import path from "node:path";
import { errno, RelayError, systemError } from "../errors.ts";
import { makeFolders } from "../folders.ts";

/** One change of one file. `before` and `after` are undefined where there is no file. */
export interface FileEdit {
  readonly file: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** A file's text; undefined if there is no file. Throws `corrupt` for bytes that could not be written back the same. */
export function readText(file: string): string | undefined {
  let bytes: Buffer;
  try {
    if (fs.statSync(file).isFile()) bytes = fs.readFileSync(file);
    else
      throw new RelayError("refused", `Cannot read "${file}": it is no file`, { next: "look at it, and move it away" });
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errno(error) ?? "")) return undefined;
    throw systemError(`read "${file}"`, error);
  }
  const text = bytes.toString("utf8");
  if (Buffer.from(text).equals(bytes)) return text;
  throw new RelayError("corrupt", `Cannot set up "${file}": it is not UTF-8, and is left as it is`, {
    next: "save it as UTF-8, then run setup again",
  });
}

/** Throws `refused` for a file that links lead out of the folder: a cloned repository may have brought them. */
export function checkWithin(file: string, root: string): void {
  if (fileAbove(path.dirname(file)) !== undefined) return; // whoever writes it tells of that
  const real = path.join(realOf(path.dirname(targetOf(file))), path.basename(targetOf(file)));
  if (!path.relative(realOf(root), real).startsWith("..")) return;
  throw new RelayError("refused", `Cannot set up "${file}": links in this project lead from it to "${real}"`, {
    next: "look at the links, and remove them; for yourself in every project: agent-relay setup --user",
  });
}

/** The real path of a folder that may not be there yet. */
function realOf(folder: string): string {
  try {
    return fs.realpathSync(folder);
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes(errno(error) ?? "") || folder === path.dirname(folder))
      throw systemError(`read "${folder}"`, error);
    return path.join(realOf(path.dirname(folder)), path.basename(folder));
  }
}

/** Writes an edit, through links, in one step. Throws `conflict` if the file has changed since the edit was planned. */
export function apply({ file, before, after }: FileEdit): void {
  if (before === after) return;
  if (readText(file) !== before)
    throw new RelayError("conflict", `Cannot write "${file}": it has just changed`, { next: "agent-relay setup" });
  try {
    if (after === undefined) fs.rmSync(targetOf(file), { force: true });
    else write(file, after);
  } catch (error) {
    throw systemError(`write "${file}"`, error);
  }
}

function write(file: string, text: string): void {
  const folder = path.dirname(file);
  const blocker = fileAbove(folder);
  if (blocker !== undefined)
    throw new RelayError("refused", `Cannot write "${file}": "${blocker}" is no folder`, { next: "move it away" });
  makeFolders(folder);
  const target = targetOf(file);
  const mode = fs.statSync(target, { throwIfNoEntry: false })?.mode ?? 0o644;
  if (fs.existsSync(target)) fs.accessSync(target, fs.constants.W_OK);
  const draft = `${target}.agent-relay-${process.pid}`;
  try {
    fs.writeFileSync(draft, text, { mode, flag: "wx" });
    fs.renameSync(draft, target);
  } catch (error) {
    if (errno(error) !== "EEXIST") fs.rmSync(draft, { force: true });
    throw error;
  }
}

/** The file that stands where a folder, or one above it, is to be. */
function fileAbove(folder: string): string | undefined {
  for (let each = folder; ; each = path.dirname(each)) {
    if (fs.existsSync(each)) return fs.statSync(each).isDirectory() ? undefined : each;
    if (each === path.dirname(each)) return undefined;
  }
}

/** Where a file really is, or is to be: at the end of its links, even of a link to nothing. The links stay. */
function targetOf(file: string): string {
  let target = file;
  while (fs.lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink()) {
    const folder = fs.realpathSync(path.dirname(target)); // a loop has made the reading of the file fail
    target = path.resolve(folder, fs.readlinkSync(target));
    if (!fs.existsSync(path.dirname(target)))
      throw new RelayError(
        "not_found",
        `Cannot write "${file}": it is a link into "${path.dirname(target)}", which is not there`,
        {
          next: "make that folder, or remove the link",
        },
      );
  }
  return target;
}

/** The nearest folder above a file, if there is nothing in it. */
export function emptyFolderAbove(file: string): string | undefined {
  const folder = path.dirname(file);
  if (!fs.existsSync(folder)) return folder === file ? undefined : emptyFolderAbove(folder);
  return fs.statSync(folder).isDirectory() && fs.readdirSync(folder).length === 0 ? folder : undefined;
}

/** Removes the folders below `root` that held nothing but what we took away, and were not there, empty, before. */
export function removeEmptyFolders(folder: string, root: string, stay: ReadonlySet<string>): void {
  for (let each = folder; each !== root && each.startsWith(root) && !stay.has(each); each = path.dirname(each)) {
    const isReal = fs.lstatSync(each, { throwIfNoEntry: false })?.isDirectory() === true;
    if (!isReal || fs.readdirSync(each).length > 0) return;
    fs.rmdirSync(each);
  }
}
