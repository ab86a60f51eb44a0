import { ancestors } from "../ancestors.ts";
import { RelayError } from "../errors.ts";
import { hostOf } from "../hosts.ts";
import type { Cli } from "./cli.ts";

const ASK = "ask the person you work for, or the holder with --kind request-yield";

/**
 * Throws `refused` unless a person is at the keyboard: on a terminal, as `human`, with no agent among the processes
 * above. Not a proof: one user's processes are trusted not to lie.
 */
export function askForPerson({ io }: Cli, agent: string, what: string, next = ASK): void {
  if (io.isTerminal && agent === "human" && !ancestors().some(({ name, args }) => hostOf(name, args))) return;
  throw new RelayError("refused", `Cannot ${what}: only a person at a terminal may`, { next });
}
