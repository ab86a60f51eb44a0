import { shortId } from "../../../id.ts";
import { defineVerb } from "../../command.ts";
import { bodyOf } from "../../sending.ts";

export const note = defineVerb({
  name: "note",
  about: "write a note to a task, for whoever works on it; - reads it from stdin",
  example: 'agent-relay task note "parse headers" "the tests are in test/parser"',
  words: { "<task>": "", "<text...>": "" },
  async run(cli, _, { task, text: words }) {
    const text = await bodyOf(cli, words);
    const noted = await (await cli.open()).tasks.note(task, text);
    await cli.say(noted, `Noted to ${shortId(noted.id)}\n`);
  },
});
