import { countWord, json } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { type Describe, verb } from "../command.ts";

const NONE = 3; // --quiet answers by exit code: 0 there is mail, 3 there is none

interface UnreadFlags {
  quiet?: boolean;
}

export const describe: Describe = ({ Command }, act) =>
  new Command("unread")
    .description("Count what waits for you. Marks nothing.")
    .option("-q, --quiet", "print nothing; exit with 0 if there is mail, 3 if there is none")
    .addHelpText("after", "\nExample: agent-relay unread --quiet && agent-relay inbox")
    .action((flags: UnreadFlags) => act((cli) => unread(cli, flags)));

export const options = { quiet: { type: "boolean", short: "q" } } as const;

export const run = verb<UnreadFlags>(describe, { options, takesWords: false, act: unread });

async function unread(cli: Cli, flags: UnreadFlags): Promise<number> {
  const relay = await cli.open();
  const count = await relay.unreadCount();
  if (flags.quiet) return count === 0 ? NONE : 0;
  await cli.io.out(
    cli.flags.json ? json({ count: Math.min(count, 1000), more: count > 1000 }) : `${countWord(count)}\n`,
  );
  return 0;
}
