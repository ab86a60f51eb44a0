import { messageLines, sessionsIn, yieldNotes } from "../../render/messages.ts";
import { cleanLine } from "../../text.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "read",
  about: "Show one message whole, with who has read it, and mark it as read.",
  words: { "<id>": "the message" },
  example: "agent-relay read tgh7w2",
  async run(cli, _, { id }) {
    const relay = await cli.open();
    const message = await relay.messages.get(id);
    const me = relay.session ?? "";
    const names = await relay.agents.names(sessionsIn([message]));
    const readers = message.read_by.filter((session) => session !== message.from_session);
    const ackers = readers.filter((session) => message.receipts?.[session]?.acked_at !== undefined);
    const notes = [
      ...(message.claims === undefined ? [] : yieldNotes(message, await relay.claims.list())),
      readers.length === 0
        ? "read by nobody yet"
        : `read by ${readers.map((each) => cleanLine(names.get(each) ?? each)).join(" ")}`,
      ...(ackers.length === 0
        ? []
        : [`acked by ${ackers.map((each) => cleanLine(names.get(each) ?? each)).join(" ")}`]),
    ];
    const text = cli.framed([messageLines(message, me, names, cli.now(), notes)]);
    await cli.say(message, text);
    if (!cli.io.isUnheard) await relay.messages.markRead(id);
  },
});
