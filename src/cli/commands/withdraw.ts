import { cleanLine } from "../../text.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("withdraw")
    .description("Take back a message you sent: who has not read it will not see it, and it asks for nothing any more.")
    .argument("<id>", "the message")
    .addHelpText("after", "\nExample: agent-relay withdraw msg-0mwq289458ob05tgh7w2w")
    .action((id: string) =>
      act(async (cli) => {
        const message = await (await cli.open()).withdraw(id);
        const readers = message.read_by.filter((session) => session !== message.from_session);
        await cli.say(
          message,
          `Withdrew ${id}; ${readers.length === 0 ? "nobody had read it" : `already read by ${readers.map(cleanLine).join(" ")}`}\n`,
        );
      }),
    );

export const run = verb(describe);
