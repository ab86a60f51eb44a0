import { dropProject, knownProjects } from "../../project/known.ts";
import { cleanLine } from "../../text.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "projects",
  about: "List the relays you have used, in any repository.",
  flags: { "--prune": "forget those that are gone" },
  example: "agent-relay projects --prune",
  async run(cli, flags) {
    const gone = flags.prune ? knownProjects(cli.io.env).filter(({ exists }) => !exists) : [];
    for (const { dir } of gone) dropProject(dir, cli.io.env);
    const known = knownProjects(cli.io.env);
    const lines = known.map(({ dir, exists }) => `${cleanLine(dir)}${exists ? "" : " (gone)"}\n`);
    await cli.say(known, lines.join(""));
    if (known.length === 0) cli.io.err("You have used no relay yet\n");
  },
});
