import fs from "node:fs";
import path from "node:path";
import { ROOT } from "./paths.ts";

/**
 * A relay as version 0.1.0 of 22 November 2026 wrote it: registrations, one archived; mail that was read, answered and is owed;
 * claims; tasks with an owner, a note and dependencies; waits; a decision; a member with a token, and an invitation.
 */
export const FORMAT_1_FILES: Readonly<Record<string, { readonly text: string; readonly time: number }>> = JSON.parse(
  fs.readFileSync(`${ROOT}/test/compat/format-1.json`, "utf8"),
).files;

/** When its last file was written, Unix ms. */
export const WRITTEN = Math.max(...Object.values(FORMAT_1_FILES).map(({ time }) => time));

/** Writes it, or those of its files that `isMeant` picks. */
export function writeFormat1(dir: string, isMeant: (name: string) => boolean = () => true): void {
  for (const folder of ["drafts", "locks"]) fs.mkdirSync(path.join(dir, folder), { recursive: true, mode: 0o700 });
  for (const [name, { text, time }] of Object.entries(FORMAT_1_FILES)) {
    if (!isMeant(name)) continue;
    const file = path.join(dir, name);
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.writeFileSync(file, text);
    fs.utimesSync(file, time / 1000, time / 1000);
  }
}
