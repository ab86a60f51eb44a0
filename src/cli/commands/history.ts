import { parseDuration } from "../../duration.ts";
import type { Cli } from "../cli.ts";
import { type Describe, verb } from "../command.ts";
import { wholeNumber } from "../flags.ts";
import { tellMessages } from "../output.ts";

interface HistoryFlags {
  limit: string;
  with?: string;
  since?: string;
}

export const describe: Describe = ({ Command }, act) =>
  new Command("history")
    .description("Show the newest messages you sent or received, in order. Marks nothing.")
    .option("-l, --limit <n>", "show at most this many", "20")
    .option("--with <who>", "only those to or from this agent")
    .option("--since <duration>", "only what was sent in this time: 30m, 2h")
    .addHelpText("after", "\nExample: agent-relay history --with gemini-1 --since 1h")
    .action((flags: HistoryFlags) => act((cli) => history(cli, flags)));

export const run = verb(describe);

async function history(cli: Cli, flags: HistoryFlags): Promise<void> {
  const relay = await cli.open();
  const messages = await relay.history({
    limit: wholeNumber(flags.limit, "--limit"),
    ...(flags.with === undefined ? {} : { with: await relay.sessionOf(flags.with) }),
    ...(flags.since === undefined ? {} : { since: cli.now() - parseDuration(flags.since) }),
  });
  await tellMessages(cli, relay, messages);
}
