import { defineVerb } from "../command.ts";
import { bodyOf, REPLY_FLAGS, sendOptions, signOptions, tellSent } from "../sending.ts";

export const verb = defineVerb({
  name: "reply",
  about: "Answer a message, to its sender, in its conversation. What it asked for is thereby answered.",
  words: { "<id>": "the message", "[text...]": "the answer; - reads it from stdin" },
  flags: REPLY_FLAGS,
  example: 'agent-relay reply tgh7w2 "Port 4800"',
  async run(cli, flags, { id, text: words }) {
    const content = await bodyOf(cli, words, flags.file);
    const { relay, found } = await cli.openWithStore();
    const options = { ...sendOptions(flags), ...(await signOptions(cli, found, flags)) };
    await tellSent(cli, await relay.reply(id, content, options));
  },
});
