import fs from "node:fs";
import path from "node:path";

/** Whether the folders of `PATH` hold a program of this name. */
export function isOnPath(name: string, { PATH = "" }: Readonly<Record<string, string | undefined>>): boolean {
  const names = process.platform === "win32" ? [name, `${name}.cmd`, `${name}.exe`] : [name];
  const folders = PATH.split(path.delimiter).filter((folder) => folder !== "");
  return folders.some((folder) => names.some((each) => fs.existsSync(path.join(folder, each))));
}
