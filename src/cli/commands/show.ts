import { clean } from "../../text.ts";
import { markdown, SECTIONS } from "../../upkeep/markdown.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "show",
  about: "Print a view of the relay as Markdown.",
  words: { "[view]": { about: "which (default sessions)", choices: SECTIONS } },
  example: "agent-relay show timeline",
  async run(cli, _, { view = "sessions" }) {
    const relay = await cli.open();
    const dump = await relay.admin.dump();
    const text = clean(markdown(dump, view));
    await cli.say({ view, markdown: text }, cli.framed([text], "what agents say"));
  },
});
