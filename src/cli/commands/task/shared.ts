import { RelayError } from "../../../errors.ts";
import type { Relay } from "../../../relay.ts";
import { jsonText } from "../../../text.ts";
import type { Cli } from "../../cli.ts";
import { askForPerson } from "../../confirm.ts";
import type { FlagTable } from "../../flag-table.ts";

// What the parts of `task` have in common.

/** What a task says. */
export const FIELDS = {
  "-d, --description <text>": "what is to be done",
  "-f, --file <path...>": "files it is about: paths or globs, claimed with --claim-files",
  "-p, --priority <n>": "higher comes first; default 0",
  "--after <task...>": "what must be over before it can be taken",
} as const satisfies FlagTable;

/** Of a part that moves a task on. */
export const MOVE = {
  "--reason <text>": "why",
  "--force": "for whoever has it; for people",
} as const satisfies FlagTable;

export function priorityOf(word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (/^[+-]?\d{1,4}$/.test(word)) return Number(word);
  throw new RelayError("usage", `Cannot use --priority ${jsonText(word)}: give a whole number from -9999 to 9999`);
}

/** The relay, in which only a person may act in place of another. */
export async function openFor(cli: Cli, isForced: boolean | undefined, what: string): Promise<Relay> {
  const relay = await cli.open();
  if (isForced) askForPerson(cli, relay.agent, what);
  return relay;
}
