import { defineVerb } from "../command.ts";
import { bodyOf } from "../sending.ts";

export const verb = defineVerb({
  name: "log",
  about: "Write a note to the log of what happened; nobody is told.",
  words: { "<text...>": "the note; - reads it from stdin" },
  flags: { "--file <path>": "the file that it is about" },
  example: 'agent-relay log "tests pass again" --file src/parser.ts',
  async run(cli, flags, { text: words }) {
    const text = await bodyOf(cli, words);
    await (await cli.open()).activity.note(text, { file: flags.file });
    await cli.say({ logged: text }, "Logged\n");
  },
});
