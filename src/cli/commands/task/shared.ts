import { RelayError } from "../../../errors.ts";
import { shortId } from "../../../id.ts";
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

/** The task that is named, else the only one that we work on. Throws `usage` where that is none or several. */
export async function taskMeant(relay: Relay, named: string | undefined, verb: string): Promise<string> {
  if (named !== undefined) return named;
  const { tasks } = await relay.tasks.list({ limit: MAX_LOOKED_AT });
  const mine = tasks.filter(({ owner, state }) => state === "in_progress" && owner?.session_id === relay.session);
  const [only, another] = mine;
  if (only !== undefined && another === undefined) return only.id;
  const why = only ? `you work on ${mine.length}` : "you work on none";
  const next = only ? `agent-relay task ${verb} ${shortId(only.id)}` : "agent-relay task list";
  throw new RelayError("usage", `Cannot tell which task is meant: ${why}`, { next });
}

const MAX_LOOKED_AT = 1000;

/** The relay, in which only a person may act in place of another. */
export async function openFor(cli: Cli, isForced: boolean | undefined, what: string): Promise<Relay> {
  const relay = await cli.open();
  if (isForced) askForPerson(cli, relay.agent, what);
  return relay;
}
