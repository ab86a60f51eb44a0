import type { Message } from "../../messages/message.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("ack")
    .description("Say that messages were dealt with, so that they no longer come back.")
    .argument("<id...>", "the messages")
    .addHelpText("after", "\nExample: agent-relay ack msg-0mwq289458ob05tgh7w2w")
    .action((ids: string[]) =>
      act(async (cli) => {
        const relay = await cli.open();
        const acked: Message[] = [];
        for (const id of ids) {
          try {
            acked.push(await relay.ack(id));
          } catch (error) {
            if (acked.length > 0) cli.io.err(`Acked ${acked.map((message) => message.id).join(" ")}, and no more:\n`);
            throw error;
          }
        }
        await cli.say(acked, `Acked ${ids.join(" ")}\n`);
      }),
    );

export const run = verb(describe);
