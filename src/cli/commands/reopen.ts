import fs from "node:fs";
import { RelayError } from "../../errors.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "reopen",
  about: "Take a finished project up again.",
  example: "agent-relay reopen",
  async run(cli) {
    const relay = await cli.open();
    if (cli.server === undefined && !fs.existsSync(relay.dir))
      throw new RelayError("not_found", `Cannot reopen "${relay.dir}": there is no relay`, {
        next: "agent-relay whoami",
      });
    if (!(await relay.admin.reopen()))
      throw new RelayError("conflict", `Cannot reopen "${relay.dir}": it is not finished`);
    await cli.say({ dir: relay.dir }, "Reopened: sessions register again\n");
  },
});
