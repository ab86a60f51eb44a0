import { defineVerb } from "../command.ts";
import { tellMessages } from "../output.ts";

export const verb = defineVerb({
  name: "thread",
  about: "Show a whole conversation, in order. Marks nothing.",
  words: { "<id>": "any message in it" },
  example: "agent-relay thread tgh7w2",
  async run(cli, _, { id }) {
    const relay = await cli.open();
    await tellMessages(cli, relay, await relay.messages.thread(id));
  },
});
