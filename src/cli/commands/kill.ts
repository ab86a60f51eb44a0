import { killedLine } from "../../render/agents.ts";
import { killAgent } from "../../upkeep/kill.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "kill",
  about: "Ask another agent's process to end. Its unread mail is kept for when it comes back.",
  words: { "<who>": "its name or session" },
  example: "agent-relay kill claude-brave-otter",
  async run(cli, _, { who }) {
    const killed = await killAgent(await cli.open(), who);
    await cli.say(killed, killedLine(killed));
  },
});
