import { parseDuration } from "../../duration.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "cleanup",
  about: "Remove registrations whose process is dead, and old messages that nobody here still has to read.",
  flags: { "--max-age <duration>": "how old a message may get: 3600 (seconds), 12h, 7d (default 7d)" },
  example: "agent-relay cleanup --max-age 2d",
  async run(cli, flags) {
    const relay = await cli.open();
    const maxAge = parseDuration(flags.maxAge ?? "7d");
    const dead = await relay.admin.cleanupDead();
    const messages = await relay.admin.cleanupOld(maxAge);
    await cli.say(
      { agents: dead.map((agent) => agent.session_id), messages },
      `Removed ${dead.length} dead agents and ${messages} old messages\n`,
    );
  },
});
