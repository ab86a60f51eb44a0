import fs from "node:fs";
import path from "node:path";
import { errno } from "./errors.ts";

/**
 * Makes a folder, and those above it that are missing. Throws the system's error of the one that cannot be made: Node's own
 * recursive call says ENOENT of a read-only disk (tried with 20.20).
 */
export function makeFolders(folder: string, mode = 0o777): void {
  try {
    fs.mkdirSync(folder, { recursive: true, mode });
  } catch (error) {
    const above = path.dirname(folder);
    if (errno(error) !== "ENOENT" || above === folder) throw error;
    makeFolders(above, mode);
    makeOne(folder, mode);
  }
}

function makeOne(folder: string, mode: number): void {
  try {
    fs.mkdirSync(folder, { mode });
  } catch (error) {
    if (errno(error) !== "EEXIST") throw error;
  }
}
