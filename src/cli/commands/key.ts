import { keyFile, machineKey } from "../../identity/machine-key.ts";
import { keysFolder } from "../keys.ts";
import { type Describe, verb } from "../verb.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("key")
    .description("Show this machine's public key, by which servers know it. It is made if there is none.")
    .addHelpText("after", "\nExample: agent-relay key")
    .action(() =>
      act(async (cli) => {
        const folder = keysFolder(cli.io.env);
        const { id } = machineKey(folder);
        await cli.say({ key: id, file: keyFile(folder) }, `${id}\n`);
      }),
    );

export const run = verb(describe);
