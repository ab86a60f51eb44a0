import { defineVerb } from "../command.ts";
import { askIfOthers } from "../confirm.ts";

export const verb = defineVerb({
  name: "finish",
  about: "End this project's work: every session is ended, every claim given back, and nobody new may register.",
  note: "Its mail, tasks and decisions stay. agent-relay reopen takes it back.",
  example: "agent-relay finish",
  async run(cli) {
    const relay = await cli.open();
    await askIfOthers(cli, relay, "finish");
    const ended = await relay.admin.finish();
    await cli.say({ ended }, `Finished; ${ended.length} sessions ended. agent-relay reopen takes it back\n`);
  },
});
