import { entryLine } from "../../render/activity.ts";
import { frame } from "../../render/frame.ts";
import { messageLines, namesOf } from "../../render/messages.ts";
import { json } from "../../text.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("explain")
    .description("Show the whole life of a message, claim, task, wait or decision.")
    .argument("<id>", "its id")
    .addHelpText("after", "\nExample: agent-relay explain msg-0mwq289458ob05tgh7w2w")
    .action((id: string) =>
      act(async (cli) => {
        const relay = await cli.open();
        const found = await relay.explain(id);
        const names = namesOf(await relay.agents());
        const { record } = found;
        const isMessage = record !== undefined && "from_session" in record;
        const head =
          record === undefined
            ? []
            : isMessage
              ? [messageLines(record, relay.session ?? "", names, cli.io.now())]
              : [json(record, 2)];
        const receipts = isMessage
          ? Object.entries(record.receipts ?? {}).map(([session, receipt]) => `  ${json({ session, ...receipt })}`)
          : [];
        const lines = [...head, ...receipts, ...found.entries.map((entry) => entryLine(entry, names))];
        await cli.say(found, frame(lines, "what agents say"));
      }),
    );

export const run = verb(describe);
