import { installUnit, uninstallUnit } from "../machine/install-service.ts";
import type { ServiceUnit } from "../machine/service-unit.ts";
import type { Cli } from "./cli.ts";

/** Installs a service of this machine, and says what came of it. */
export async function installService(cli: Cli, unit: ServiceUnit): Promise<void> {
  const failed = installUnit(unit);
  const rest = failed ? `but it does not run yet (${failed.why}). Type: ${failed.command}` : "and it is running";
  await cli.say({ file: unit.file, running: failed === undefined }, `Wrote ${unit.file}, ${rest}\n`);
}

/** Takes a service away, and says so; `next` shows what is installed. Throws `not_found`. */
export async function uninstallService(cli: Cli, unit: ServiceUnit, next: string): Promise<void> {
  const failed = uninstallUnit(unit, next);
  const rest = failed ? `; the system could not be told (${failed.why})` : "";
  await cli.say({ file: unit.file }, `Removed ${unit.file}${rest}\n`);
}
