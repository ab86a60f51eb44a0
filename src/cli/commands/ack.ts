import { shortId } from "../../id.ts";
import type { Message } from "../../messages/message.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "ack",
  about: "Say that messages were dealt with, so that they no longer come back.",
  words: { "<id...>": "the messages" },
  example: "agent-relay ack tgh7w2",
  async run(cli, _, { id: ids }) {
    const relay = await cli.open();
    const acked: Message[] = [];
    for (const id of ids) {
      try {
        acked.push(await relay.messages.ack(id));
      } catch (error) {
        if (acked.length > 0) cli.io.err(`Acked ${acked.map(({ id }) => shortId(id)).join(" ")}, and no more:\n`);
        throw error;
      }
    }
    await cli.say(acked, `Acked ${acked.map(({ id }) => shortId(id)).join(" ")}\n`);
  },
});
