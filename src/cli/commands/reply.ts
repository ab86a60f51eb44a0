import { KINDS } from "../../message.ts";
import { type Describe, verb } from "../verb.ts";
import { bodyOf, type SendFlags, sendOptions, tellSent } from "./send.ts";

export const describe: Describe = ({ Command, Option }, act) =>
  new Command("reply")
    .description("Answer a message, to its sender, in its conversation. What it asked for is thereby answered.")
    .argument("<id>", "the message")
    .argument("[text...]", "the answer; - reads it from stdin")
    .addOption(new Option("-k, --kind <kind>", "what sort of message it is").choices(KINDS))
    .option("--ack", "it comes back at each look until its reader acks or answers it")
    .option("--expires <duration>", "nobody is shown it after this: 10m, 2h")
    .option("--file <path>", "read the text from a file")
    .addHelpText("after", '\nExample: agent-relay reply msg-0mwq289458ob05tgh7w2w "Port 4800"')
    .action((id: string, words: string[], flags: SendFlags) =>
      act(async (cli) => {
        const content = await bodyOf(cli, words, flags.file);
        const relay = await cli.open();
        await tellSent(cli, await relay.reply(id, content, sendOptions(flags)));
      }),
    );

export const run = verb(describe);
