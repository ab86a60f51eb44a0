import { RelayError } from "../../errors.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("heartbeat")
    .description("Say that you live, and let your claims and tasks last their whole time again.")
    .addHelpText("after", "\nExample: agent-relay heartbeat --session claude-1")
    .action(() =>
      act(async (cli) => {
        const relay = await cli.open();
        const agent = await relay.heartbeat();
        if (!agent)
          throw new RelayError("not_found", `Cannot beat for "${relay.session}": it is not registered`, {
            next: "agent-relay register",
          });
        const claims = await relay.renewClaims();
        const tasks = await relay.tasks.renew();
        const renewed = `renewed ${claims.length} claims and ${tasks.length} tasks`;
        await cli.say({ agent, claims, tasks }, `${agent.session_id} lives; ${renewed}\n`);
      }),
    );

export const run = verb(describe);
