import { type Describe, verb } from "../command.ts";
import { askIfOthers } from "../confirm.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("finish")
    .description(
      "End this project's work: every session is ended, every claim given back, and nobody new may register.",
    )
    .addHelpText(
      "after",
      "\nIts mail, tasks and decisions stay. agent-relay reopen takes it back.\nExample: agent-relay finish",
    )
    .action(() =>
      act(async (cli) => {
        const relay = await cli.open();
        await askIfOthers(cli, relay, "finish");
        const ended = await relay.finish();
        await cli.say({ ended }, `Finished; ${ended.length} sessions ended. agent-relay reopen takes it back\n`);
      }),
    );

export const run = verb(describe);
