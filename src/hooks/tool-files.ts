import fs from "node:fs";
import path from "node:path";
import type { ToolUse } from "../hosts/hook.ts";

/** The files that a tool writes, relative to `cwd` or absolute. For a folder: the files that are put into it. */
export function filesOf({ writes }: ToolUse, cwd: string): string[] {
  const files = writes.flatMap(({ path: file, names, removes }) => {
    if (removes && isLink(path.resolve(cwd, file))) return []; // the link goes, and its target stays
    return names !== undefined && isFolder(path.resolve(cwd, file))
      ? names.map((name) => path.join(file, name))
      : [file];
  });
  return [...new Set(files)];
}

function isLink(file: string): boolean {
  if (file.includes("\0")) return false; // no path
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function isFolder(file: string): boolean {
  if (file.includes("\0")) return false;
  return fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
