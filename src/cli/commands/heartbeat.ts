import { RelayError } from "../../errors.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "heartbeat",
  about: "Say that you live, and let your claims and tasks last their whole time again.",
  example: "agent-relay heartbeat --session claude-1",
  async run(cli) {
    const relay = await cli.open();
    const agent = await relay.agents.heartbeat();
    if (!agent)
      throw new RelayError("not_found", `Cannot beat for "${relay.session}": it is not registered`, {
        next: "agent-relay register",
      });
    const claims = await relay.claims.renew();
    const tasks = await relay.tasks.renew();
    const renewed = `renewed ${claims.length} claims and ${tasks.length} tasks`;
    await cli.say({ agent, claims, tasks }, `${agent.session_id} lives; ${renewed}\n`);
  },
});
