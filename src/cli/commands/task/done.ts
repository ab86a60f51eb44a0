import { shortId } from "../../../id.ts";
import { callsIn } from "../../../render/messages.ts";
import { cleanLine } from "../../../text.ts";
import type { Cli } from "../../cli.ts";
import { defineVerb } from "../../command.ts";
import type { FlagsOf } from "../../flag-table.ts";
import { MOVE, openFor, taskMeant } from "./shared.ts";

export const done = defineVerb({
  name: "done",
  about: "say that your task is done",
  example: 'agent-relay task done "parse headers"',
  words: { "[task]": "its id or title; default the one that you work on" },
  flags: MOVE,
  run: (cli, flags, { task }) => over(cli, "done", task, flags),
});

export const cancel = defineVerb({
  name: "cancel",
  about: "say that a task will not be done",
  example: 'agent-relay task cancel "parse headers" --reason "done elsewhere"',
  words: { "<task>": "" },
  flags: MOVE,
  run: (cli, flags, { task }) => over(cli, "cancel", task, flags),
});

async function over(
  cli: Cli,
  move: "done" | "cancel",
  named: string | undefined,
  { reason, force }: FlagsOf<typeof MOVE>,
) {
  const relay = await openFor(cli, force, `${move === "done" ? "complete" : "cancel"} another's task`);
  const ended = await relay.tasks[move](await taskMeant(relay, named, move), { reason, force });
  const ready = ended.ready.map(({ id, title }) => `now ready: ${shortId(id)} ${cleanLine(title)}\n`);
  const { id, owner } = ended.task;
  const worker = owner?.session_id === relay.session ? undefined : owner?.session_id;
  const call = callsIn(await relay.agents.names([worker]));
  const told = worker === undefined ? "" : `; ${cleanLine(call(worker))}, who had it, is told`;
  const free = owner?.claim === undefined ? "" : "; its files are given back";
  const over = move === "done" ? "Done" : "Cancelled";
  await cli.say(ended, `${over}: ${shortId(id)}${free}${told}\n${ready.join("")}`);
}
