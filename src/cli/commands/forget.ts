import { RelayError } from "../../errors.ts";
import { dropProject } from "../../project/known.ts";
import { forget } from "../../upkeep/lifecycle.ts";
import { defineVerb } from "../command.ts";
import { askIfOthers } from "../confirm.ts";

export const verb = defineVerb({
  name: "forget",
  about: "Remove this project's whole relay: mail, tasks, decisions, everything.",
  flags: { "--yes": "do it" },
  example: "agent-relay export && agent-relay forget --yes",
  async run(cli, flags) {
    if (cli.server !== undefined)
      throw new RelayError("usage", `Cannot forget the relay of ${cli.server}: that is for who has it`, {
        next: `agent-relay login ${cli.server} --forget, to use it no more`,
      });
    const relay = await cli.open();
    const { dir } = relay;
    if (!flags.yes)
      throw new RelayError("usage", `Cannot forget "${dir}" without --yes: it cannot be taken back`, {
        next: "agent-relay export, then agent-relay forget --yes",
      });
    await askIfOthers(cli, relay, "forget the project");
    forget(dir);
    dropProject(dir, cli.io.env);
    await cli.say({ dir }, `Forgot ${dir}\n`);
  },
});
