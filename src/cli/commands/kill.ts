import { killedLine } from "../../render/agents.ts";
import { killAgent } from "../../upkeep/kill.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("kill")
    .description("Ask another agent's process to end. Its unread mail is kept for when it comes back.")
    .argument("<who>", "its name or session")
    .addHelpText("after", "\nExample: agent-relay kill claude-brave-otter")
    .action((who: string) =>
      act(async (cli) => {
        const killed = await killAgent(await cli.open(), who);
        await cli.say(killed, killedLine(killed));
      }),
    );

export const run = verb(describe);
