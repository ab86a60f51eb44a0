import { RelayError } from "../../errors.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "unregister",
  about: "Say that you left. Your mail is kept for when the same session comes back.",
  example: "agent-relay unregister --session claude-1",
  async run(cli) {
    const relay = await cli.open();
    const agent = await relay.agents.unregister();
    if (!agent)
      throw new RelayError("not_found", `Cannot unregister "${relay.session}": it is not registered`, {
        next: "agent-relay agents",
      });
    await cli.say(agent, `Unregistered ${agent.session_id}\n`);
  },
});
