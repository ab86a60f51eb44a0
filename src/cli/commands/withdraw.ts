import { shortId } from "../../id.ts";
import { callsIn } from "../../render/messages.ts";
import { cleanLine } from "../../text.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "withdraw",
  about: "Take back a message you sent: who has not read it will not see it, and it asks for nothing any more.",
  words: { "<id>": "the message" },
  example: "agent-relay withdraw tgh7w2",
  async run(cli, _, { id }) {
    const relay = await cli.open();
    const message = await relay.messages.withdraw(id);
    const readers = message.read_by.filter((session) => session !== message.from_session);
    const call = callsIn(await relay.agents.names(readers));
    await cli.say(
      message,
      `Withdrew ${shortId(message.id)}; ${readers.length === 0 ? "nobody had read it" : `already read by ${readers.map((each) => cleanLine(call(each))).join(" ")}`}\n`,
    );
  },
});
