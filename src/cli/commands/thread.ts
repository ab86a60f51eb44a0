import { type Describe, verb } from "../command.ts";
import { tellMessages } from "../output.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("thread")
    .description("Show a whole conversation, in order. Marks nothing.")
    .argument("<id>", "any message in it")
    .addHelpText("after", "\nExample: agent-relay thread msg-0mwq289458ob05tgh7w2w")
    .action((id: string) =>
      act(async (cli) => {
        const relay = await cli.open();
        await tellMessages(cli, relay, await relay.thread(id));
      }),
    );

export const run = verb(describe);
