import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import type { Cli } from "../cli/cli.ts";
import { RelayError, systemError } from "../errors.ts";
import type { Unit } from "./service-unit.ts";

/** Writes a unit and starts it, and says what came of it. */
export async function installUnit(cli: Cli, unit: Unit): Promise<void> {
  try {
    fs.mkdirSync(path.dirname(unit.file), { recursive: true });
    fs.writeFileSync(unit.file, unit.text, { mode: 0o600 });
  } catch (error) {
    throw systemError(`write "${unit.file}"`, error);
  }
  const failed = tried(unit.enable);
  const rest =
    failed === undefined ? "and it is running" : `but it does not run yet (${failed.why}). Type: ${failed.command}`;
  await cli.say({ file: unit.file, running: failed === undefined }, `Wrote ${unit.file}, ${rest}\n`);
}

/** Stops a unit and takes it away. Throws `not_found`. */
export async function uninstallUnit(cli: Cli, unit: Unit, next: string): Promise<void> {
  if (!fs.existsSync(unit.file))
    throw new RelayError("not_found", `Cannot uninstall: there is no ${unit.file}`, { next });
  const failed = tried(unit.disable);
  fs.rmSync(unit.file, { force: true });
  const rest = failed === undefined ? "" : `; the system could not be told (${failed.why})`;
  await cli.say({ file: unit.file }, `Removed ${unit.file}${rest}\n`);
}

/** The first of these commands that failed, and why; undefined if none did. */
export function tried(commands: readonly (readonly string[])[]): { command: string; why: string } | undefined {
  for (const [program = "", ...args] of commands) {
    const { status, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: 20_000 });
    const why = error?.message ?? stderr.trim().split("\n")[0] ?? "";
    if (status !== 0) return { command: [program, ...args].join(" "), why: why || `exit code ${status}` };
  }
  return undefined;
}
