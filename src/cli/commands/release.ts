import { RelayError } from "../../errors.ts";
import { claimWords } from "../../render/claims.ts";
import { type Describe, verb } from "../command.ts";
import { askForPerson } from "../confirm.ts";

interface Flags {
  readonly resource?: string[];
  readonly all?: boolean;
  readonly force?: boolean;
}

export const describe: Describe = ({ Command }, act) =>
  new Command("release")
    .description("Give back what you claimed; whoever waits for it gets it.")
    .argument("[path...]", "the paths; what you claimed below them goes too")
    .option("--resource <name...>", "resources")
    .option("--all", "everything you hold")
    .option("--force", "take it away from whoever holds it; for people")
    .addHelpText("after", "\nExample: agent-relay release src/db.ts")
    .action((paths: string[], flags: Flags) =>
      act(async (cli) => {
        const relay = await cli.open();
        if (flags.all && (paths.length > 0 || flags.resource))
          throw new RelayError("usage", "Cannot release --all and something by name: give one of them");
        if (flags.force) askForPerson(cli, relay.agent, "take a claim away");
        const force = flags.force ?? false;
        const released = flags.all
          ? await relay.releaseAll()
          : await relay.release(paths, { resources: flags.resource ?? [], force });
        const words = released.map(claimWords).join(", ");
        await cli.say(released, released.length === 0 ? "You held nothing\n" : `Released ${words}\n`);
      }),
    );

export const run = verb(describe);
