import { shortId } from "../../../id.ts";
import { defineVerb } from "../../command.ts";
import { MOVE, openFor } from "./shared.ts";

export const release = defineVerb({
  name: "release",
  about: "give a task back, for others to take",
  example: 'agent-relay task release "parse headers"',
  words: { "<task>": "" },
  flags: MOVE,
  async run(cli, { reason, force }, { task }) {
    const relay = await openFor(cli, force, "release another's task");
    const released = await relay.tasks.release(task, { reason, force });
    await cli.say(released, `Released ${shortId(released.id)}\n`);
  },
});
