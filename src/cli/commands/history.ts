import { parseDuration } from "../../duration.ts";
import { cleanLine } from "../../text.ts";
import { iso } from "../../time.ts";
import { defineVerb } from "../command.ts";
import { wholeNumber } from "../flags.ts";
import { tellMessages } from "../output.ts";

export const verb = defineVerb({
  name: "history",
  about: "Show the newest messages you sent or received, in order. Marks nothing.",
  flags: {
    "-l, --limit <n>": "show at most this many (default 20)",
    "--with <who>": "only those to or from this agent",
    "--since <duration>": "only what was sent in this time: 30m, 2h",
    "--ids": "their ids alone, a line each, the newest first",
  },
  example: "agent-relay history --with gemini-1 --since 1h",
  async run(cli, flags) {
    const relay = await cli.open();
    const limit = wholeNumber(flags.limit ?? "20", "--limit");
    const found = await relay.messages.history({
      limit,
      with: flags.with === undefined ? undefined : await relay.agents.resolve(flags.with),
      since: flags.since === undefined ? undefined : iso(cli.now() - parseDuration(flags.since)),
    });
    if (flags.ids) {
      const ids = found.messages.map(({ id }) => id).reverse();
      return cli.say(ids, ids.map((id) => `${cleanLine(id)}\n`).join(""));
    }
    await tellMessages(cli, relay, found.messages, found);
    if (found.has_more && !cli.flags.json)
      cli.io.err(`There are older ones\nTry: agent-relay history --limit ${2 * limit}\n`);
    return undefined;
  },
});
