import { defineVerb } from "../command.ts";
import { askForPerson } from "../confirm.ts";

export const verb = defineVerb({
  name: "trust",
  about: "Let a relay that was made elsewhere reach your agents. Only a person at a terminal may say so.",
  example: "agent-relay trust",
  async run(cli) {
    const { relay } = await cli.openStrange();
    const next = "ask the person who runs you to type: agent-relay trust";
    askForPerson(cli, relay.agent, `trust "${relay.dir}"`, next);
    await relay.admin.trust();
    await cli.say({ dir: relay.dir, trusted: true }, `Trusted ${relay.dir}: its mail now reaches your agents\n`);
  },
});
