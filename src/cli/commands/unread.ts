import { countWord, json } from "../../text.ts";
import { defineVerb } from "../command.ts";

const NONE = 3; // --quiet answers by exit code: 0 there is mail, 3 there is none

export const verb = defineVerb({
  name: "unread",
  about: "Count what waits for you. Marks nothing.",
  flags: {
    "-q, --quiet": "print nothing; exit with 0 if there is mail, 3 if there is none",
  },
  note: "For who asks often, agent-relay-hook unread --session <id> is the same, without Node where nothing waits.",
  example: "agent-relay unread --quiet && agent-relay inbox",
  async run(cli, flags) {
    const relay = await cli.open();
    const count = await relay.messages.unreadCount();
    if (flags.quiet) return count === 0 ? NONE : 0;
    await cli.io.out(
      cli.flags.json ? json({ count: Math.min(count, 1000), more: count > 1000 }) : `${countWord(count)}\n`,
    );
    return 0;
  },
});
