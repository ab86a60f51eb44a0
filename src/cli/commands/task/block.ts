import { shortId } from "../../../id.ts";
import { defineVerb } from "../../command.ts";
import { openFor } from "./shared.ts";

export const block = defineVerb({
  name: "block",
  about: "say that a task cannot go on, and why",
  example: 'agent-relay task block "parse headers" --reason "no grammar yet"',
  words: { "<task>": "", "<reason...>": "" },
  flags: { "--force": "for whoever has it; for people" },
  async run(cli, { force }, { task, reason }) {
    const relay = await openFor(cli, force, "block another's task");
    const blocked = await relay.tasks.block(task, reason.join(" "), { force });
    await cli.say(blocked, `Blocked ${shortId(blocked.id)}\n`);
  },
});

export const unblock = defineVerb({
  name: "unblock",
  about: "let a blocked task be taken again",
  example: 'agent-relay task unblock "parse headers"',
  words: { "<task>": "" },
  async run(cli, _, { task }) {
    const unblocked = await (await cli.open()).tasks.unblock(task);
    await cli.say(unblocked, `Unblocked ${shortId(unblocked.id)}\n`);
  },
});
