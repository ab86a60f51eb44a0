import { messageLines, sessionsIn, yieldNotes } from "../../render/messages.ts";
import { cleanLine, json } from "../../text.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("read")
    .description("Show one message whole, with who has read it, and mark it as read.")
    .argument("<id>", "the message")
    .addHelpText("after", "\nExample: agent-relay read msg-0mwq289458ob05tgh7w2w")
    .action((id: string) =>
      act(async (cli) => {
        const relay = await cli.open();
        const message = await relay.message(id);
        const me = relay.session ?? "";
        const names = await relay.names(sessionsIn([message]));
        const readers = message.read_by.filter((session) => session !== message.from_session);
        const notes = [
          ...(message.claims === undefined ? [] : yieldNotes(message, await relay.claims())),
          readers.length === 0
            ? "read by nobody yet"
            : `read by ${readers.map((each) => cleanLine(names.get(each) ?? each)).join(" ")}`,
        ];
        const text = cli.framed([messageLines(message, me, names, cli.now(), notes)]);
        await cli.io.out(cli.flags.json ? json(message, 2) : text);
        if (!cli.io.isUnheard) await relay.markRead(id);
      }),
    );

export const run = verb(describe);
