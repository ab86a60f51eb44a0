import { KINDS } from "../../messages/message.ts";
import { type Describe, verb } from "../command.ts";
import { bodyOf, type SendFlags, sendOptions, signOptions, tellSent } from "../sending.ts";

export const describe: Describe = ({ Command, Option }, act) =>
  new Command("reply")
    .description("Answer a message, to its sender, in its conversation. What it asked for is thereby answered.")
    .argument("<id>", "the message")
    .argument("[text...]", "the answer; - reads it from stdin")
    .addOption(new Option("-k, --kind <kind>", "what sort of message it is").choices(KINDS))
    .option("--ack", "it comes back at each look until its reader acks or answers it")
    .option("--expires <duration>", "nobody is shown it after this: 10m, 2h")
    .option("--file <path>", "read the text from a file")
    .option("--sign", "sign it with the SSH key that git signs with")
    .addHelpText("after", '\nExample: agent-relay reply msg-0mwq289458ob05tgh7w2w "Port 4800"')
    .action((id: string, words: string[], flags: SendFlags) =>
      act(async (cli) => {
        const content = await bodyOf(cli, words, flags.file);
        const { relay, found } = await cli.openWithStore();
        const options = { ...sendOptions(flags), ...(await signOptions(cli, found, flags)) };
        await tellSent(cli, await relay.reply(id, content, options));
      }),
    );

export const run = verb(describe);
