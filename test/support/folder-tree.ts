import fs from "node:fs";
import path from "node:path";

/** One thing in a folder, as a program that changes nothing leaves it. */
export type Leaf = readonly [name: string, mode: number, mtime: number, holds: string];

/** Everything in a folder, and itself: names, modes, times and bytes. No link is followed. */
export function treeOf(folder: string): Leaf[] {
  const names = fs.existsSync(folder) ? fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).sort() : [];
  return ["", ...names].flatMap((name) => {
    const file = path.join(folder, name);
    const stat = fs.lstatSync(file, { throwIfNoEntry: false });
    if (!stat) return [];
    const holds = stat.isFile() ? fs.readFileSync(file, "base64") : stat.isSymbolicLink() ? fs.readlinkSync(file) : "";
    return [[name, stat.mode, stat.mtimeMs, holds] as const];
  });
}

/** Every file's whole text, one after the other. */
export function textIn(folder: string): string {
  return fs
    .readdirSync(folder)
    .map((name) => fs.readFileSync(path.join(folder, name), "utf8"))
    .join("\n");
}
