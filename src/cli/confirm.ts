import { RelayError } from "../errors.ts";
import { hostOf } from "../hosts/detect.ts";
import { ancestors } from "../machine/ancestors.ts";
import type { Relay } from "../relay.ts";
import type { Cli } from "./cli.ts";

const ASK = "ask the person you work for, or the holder: agent-relay send --claim <path>";

/**
 * Throws `refused` unless a person is at the keyboard: on a terminal, as `human`, with no agent among the processes
 * above. Not a proof: one user's processes are trusted not to lie.
 */
export function askForPerson({ io }: Cli, agent: string, what: string, next = ASK): void {
  if (io.isTerminal && agent === "human" && !ancestors().some(({ name, args }) => hostOf(name, args))) return;
  throw new RelayError("refused", `Cannot ${what}: only a person at a terminal may`, { next });
}

/** Throws `refused` for an agent that would end the work of others who are here. */
export async function askIfOthers(cli: Cli, relay: Relay, what: string): Promise<void> {
  if (relay.agent === "human") return;
  const others = (await relay.agents.list()).filter(
    ({ session_id, presence }) => session_id !== relay.session && presence !== "gone",
  );
  const names = others.map(({ name, session_id }) => name ?? session_id).join(", ");
  if (others.length > 0)
    askForPerson(cli, relay.agent, `${what} while ${names} work here`, "ask the person you work for");
}
