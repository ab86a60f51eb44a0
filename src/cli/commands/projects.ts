import { dropProject, knownProjects } from "../../project/known.ts";
import { cleanLine } from "../../text.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("projects")
    .description("List the relays you have used, in any repository.")
    .option("--prune", "forget those that are gone")
    .addHelpText("after", "\nExample: agent-relay projects --prune")
    .action((flags: { prune?: boolean }) =>
      act(async (cli) => {
        const gone = flags.prune ? knownProjects(cli.io.env).filter(({ exists }) => !exists) : [];
        for (const { dir } of gone) dropProject(dir, cli.io.env);
        const known = knownProjects(cli.io.env);
        const lines = known.map(({ dir, exists }) => `${cleanLine(dir)}${exists ? "" : " (gone)"}\n`);
        await cli.say(known, lines.join(""));
        if (known.length === 0) cli.io.err("You have used no relay yet\n");
      }),
    );

export const run = verb(describe);
