import { RelayError } from "../../errors.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("unregister")
    .description("Say that you left. Your mail is kept for when the same session comes back.")
    .addHelpText("after", "\nExample: agent-relay unregister --session claude-1")
    .action(() =>
      act(async (cli) => {
        const relay = await cli.open();
        const agent = await relay.unregister();
        if (!agent)
          throw new RelayError("not_found", `Cannot unregister "${relay.session}": it is not registered`, {
            next: "agent-relay agents",
          });
        await cli.say(agent, `Unregistered ${agent.session_id}\n`);
      }),
    );

export const run = verb(describe);
