import { clean } from "../../text.ts";
import { markdown, SECTIONS, type Section } from "../../upkeep/markdown.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Argument, Command }, act) =>
  new Command("show")
    .description("Print a view of the relay as Markdown.")
    .addArgument(new Argument("[view]", "which").choices(SECTIONS).default("sessions"))
    .addHelpText("after", "\nExample: agent-relay show timeline")
    .action((view: Section) =>
      act(async (cli) => {
        const relay = await cli.open();
        const dump = await relay.dump();
        const text = clean(markdown(dump, view));
        await cli.say({ view, markdown: text }, cli.framed([text], "what agents say"));
      }),
    );

export const run = verb(describe);
