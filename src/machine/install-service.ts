import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { RelayError, systemError } from "../errors.ts";
import { makeFolders } from "../folders.ts";
import type { ServiceUnit } from "./service-unit.ts";

/** A command of the service manager that failed. */
export interface FailedCommand {
  readonly command: string;
  readonly why: string;
}

/** Writes a unit's file and starts the unit. Returns what kept it from starting, if anything. */
export function installUnit(unit: ServiceUnit): FailedCommand | undefined {
  try {
    makeFolders(path.dirname(unit.file));
    fs.writeFileSync(unit.file, unit.text, { mode: 0o600 });
  } catch (error) {
    throw systemError(`write "${unit.file}"`, error);
  }
  return tried(unit.enable);
}

/** Stops a unit and removes its file. Returns what kept it from stopping. Throws `not_found`, with this `next`. */
export function uninstallUnit(unit: ServiceUnit, next: string): FailedCommand | undefined {
  if (!fs.existsSync(unit.file))
    throw new RelayError("not_found", `Cannot uninstall: there is no ${unit.file}`, { next });
  const failed = tried(unit.disable);
  fs.rmSync(unit.file, { force: true });
  return failed;
}

/** The first of these commands that failed, and why; undefined if none did. */
export function tried(commands: readonly (readonly string[])[]): FailedCommand | undefined {
  for (const [program = "", ...args] of commands) {
    const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: 20_000 });
    const why = error?.message ?? stderr.trim().split("\n")[0] ?? "";
    if (status !== 0) return { command: [program, ...args].join(" "), why: why || `exit code ${status}` };
  }
  return undefined;
}
