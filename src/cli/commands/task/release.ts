import { shortId } from "../../../id.ts";
import { defineVerb } from "../../command.ts";
import { MOVE, openFor, taskMeant } from "./shared.ts";

export const release = defineVerb({
  name: "release",
  about: "give a task back, for others to take",
  example: 'agent-relay task release "parse headers"',
  words: { "[task]": "its id or title; default the one that you work on" },
  flags: MOVE,
  async run(cli, { reason, force }, { task }) {
    const relay = await openFor(cli, force, "release another's task");
    const released = await relay.tasks.release(await taskMeant(relay, task, "release"), { reason, force });
    await cli.say(released, `Released ${shortId(released.id)}\n`);
  },
});
