import { parseDuration } from "../../duration.ts";
import type { Retention } from "../../upkeep/gc.ts";
import { type Describe, verb } from "../command.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("gc")
    .description(
      "Remove what is no longer kept: read mail (7d), tasks and sessions that ended (30d), waits (7d), the log (90d).",
    )
    .option("--dry-run", "show what would be removed; remove nothing")
    .option("--older-than <time>", "keep everything for this long instead: 12h, 30d")
    .addHelpText(
      "after",
      "\nUnread mail, live claims, open tasks and decisions are always kept.\nExample: agent-relay gc --dry-run",
    )
    .action((flags: { dryRun?: boolean; olderThan?: string }) =>
      act(async (cli) => {
        const relay = await cli.open();
        const age = flags.olderThan === undefined ? undefined : parseDuration(flags.olderThan);
        const all: Retention | undefined =
          age === undefined ? undefined : { messages: age, tasks: age, waits: age, activity: age, sessions: age };
        const plan = flags.dryRun ? await relay.gcPlan(all) : await relay.gc(all);
        const lines = plan.map(({ key, why }) => `${key}: ${why}\n`).join("");
        await cli.say(plan, `${lines}${flags.dryRun ? "Would remove" : "Removed"} ${plan.length} things\n`);
      }),
    );

export const run = verb(describe);
