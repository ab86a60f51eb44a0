import { RelayError } from "../../../errors.ts";
import { shortId } from "../../../id.ts";
import { quoted } from "../../../shell/quote.ts";
import { defineVerb } from "../../command.ts";
import { bodyOf } from "../../sending.ts";
import { FIELDS, priorityOf } from "./shared.ts";

export const add = defineVerb({
  name: "add",
  about: "put a task on the board",
  example: 'agent-relay task add "Parse headers" --file src/parser',
  words: { "[title]": "" },
  flags: FIELDS,
  async run(cli, { description, file, priority, after }, { title }) {
    if (title === undefined) throw untitled(file);
    const relay = await cli.open();
    const text = title === "-" ? await bodyOf(cli, ["-"]) : title;
    const fields = { description, files: file, priority: priorityOf(priority), dependsOn: after };
    const added = await relay.tasks.add(text, fields);
    await cli.say(added, `Added ${shortId(added.id)}\n`);
  },
});

/** The error of a task without a title, which may be among the files: an option with several values takes all words. */
function untitled([first = "src/parser", ...rest]: readonly string[] = []): RelayError {
  return new RelayError("usage", "Cannot add a task without a title: it stands before --file", {
    next: `agent-relay task add ${quoted(rest.at(-1) ?? "Parse headers")} --file ${quoted(first)}`,
  });
}
