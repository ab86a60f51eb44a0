import { parseDuration } from "../../duration.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("cleanup")
    .description("Remove registrations whose process is dead, and old messages that nobody here still has to read.")
    .option("--max-age <duration>", "how old a message may get: 3600 (seconds), 12h, 7d", "7d")
    .addHelpText("after", "\nExample: agent-relay cleanup --max-age 2d")
    .action((flags: { maxAge: string }) =>
      act(async (cli) => {
        const relay = await cli.open();
        const maxAge = parseDuration(flags.maxAge) / 1000;
        const dead = await relay.cleanupDead();
        const messages = await relay.cleanupOld(maxAge);
        await cli.say(
          { agents: dead.map((agent) => agent.session_id), messages },
          `Removed ${dead.length} dead agents and ${messages} old messages\n`,
        );
      }),
    );

export const run = verb(describe);
