import { RelayError } from "../../../errors.ts";
import { taskRows } from "../../../render/tasks.ts";
import { cleanLine } from "../../../text.ts";
import { defineVerb } from "../../command.ts";
import { wholeNumber } from "../../flags.ts";
import { tableFor } from "../../table.ts";

export const list = defineVerb({
  name: "list",
  about: "tasks that are not over, the first to do first",
  example: "agent-relay task list --ready",
  flags: {
    "--ready": "only those that could be taken now",
    "--all": "also those that are over, the newest first",
    "-l, --limit <n>": "at most this many; default 50",
    "--ids": "their ids alone, a line each",
  },
  async run(cli, flags) {
    if (flags.ready && flags.all)
      throw new RelayError("usage", "Cannot list --ready and --all at once: give one of them");
    const relay = await cli.open();
    const which = flags.ready ? "ready" : flags.all ? "all" : "open";
    const limit = flags.limit ? wholeNumber(flags.limit, "--limit") : undefined;
    const found = await relay.tasks.list({ which, limit });
    if (flags.ids) {
      const ids = found.tasks.map(({ id }) => id);
      return cli.say(ids, ids.map((id) => `${cleanLine(id)}\n`).join(""));
    }
    const names = await relay.agents.names(found.tasks.map(({ owner }) => owner?.session_id));
    const rows = taskRows(found.tasks, { all: found, names, me: relay.session, now: cli.now() });
    await cli.say(found, found.tasks.length === 0 ? "" : cli.framed([tableFor(cli, rows)], "tasks"));
    if (found.tasks.length === 0) cli.io.err(flags.ready ? "No task is ready\n" : "No tasks\n");
    if (found.has_more) cli.io.err(`and more: --limit ${found.tasks.length * 4}\n`);
    return undefined;
  },
});
