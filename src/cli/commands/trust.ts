import { RelayError } from "../../errors.ts";
import { type Describe, verb } from "../verb.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("trust")
    .description("Let a relay that was made elsewhere reach your agents. Only a person at a terminal may say so.")
    .addHelpText("after", "\nExample: agent-relay trust")
    .action(() =>
      act(async (cli) => {
        const relay = await cli.open();
        if (relay.agent !== "human" || !cli.io.isTerminal)
          throw new RelayError("refused", `Cannot trust "${relay.dir}": only a person at a terminal may`, {
            next: "ask the person who runs you to type: agent-relay trust",
          });
        await relay.trust();
        await cli.say({ dir: relay.dir, trusted: true }, `Trusted ${relay.dir}: its mail now reaches your agents\n`);
      }),
    );

export const run = verb(describe);
