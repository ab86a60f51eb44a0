import { shortId } from "../../id.ts";
import { defineVerb } from "../command.ts";
import { bodyOf } from "../sending.ts";

export const verb = defineVerb({
  name: "decide",
  about: "Write down a decision, which is never dropped, and tell everyone.",
  words: { "<text...>": "what was decided; - reads it from stdin" },
  example: 'agent-relay decide "We keep the old parser until 2.0"',
  async run(cli, _, { text: words }) {
    const text = await bodyOf(cli, words);
    const decision = await (await cli.open()).decisions.add(text);
    await cli.say(decision, `Decided ${shortId(decision.id)}\n`);
  },
});
