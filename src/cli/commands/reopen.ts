import fs from "node:fs";
import { RelayError } from "../../errors.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("reopen")
    .description("Take a finished project up again.")
    .addHelpText("after", "\nExample: agent-relay reopen")
    .action(() =>
      act(async (cli) => {
        const relay = await cli.open();
        if (cli.server === undefined && !fs.existsSync(relay.dir))
          throw new RelayError("not_found", `Cannot reopen "${relay.dir}": there is no relay`, {
            next: "agent-relay whoami",
          });
        if (!(await relay.reopen()))
          throw new RelayError("conflict", `Cannot reopen "${relay.dir}": it is not finished`);
        await cli.say({ dir: relay.dir }, "Reopened: sessions register again\n");
      }),
    );

export const run = verb(describe);
