import { durationOf } from "../../duration.ts";
import type { Retention } from "../../upkeep/gc.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "gc",
  about:
    "Remove what is no longer kept: read mail (7d), tasks and sessions that ended (30d), waits (7d), the log (90d).",
  flags: {
    "--dry-run": "show what would be removed; remove nothing",
    "--older-than <time>": "keep everything for this long instead: 12h, 30d",
  },
  note: "Unread mail, live claims, open tasks and decisions are always kept.",
  example: "agent-relay gc --dry-run",
  async run(cli, flags) {
    const relay = await cli.open();
    const age = durationOf(flags.olderThan);
    const all: Retention | undefined =
      age === undefined ? undefined : { messages: age, tasks: age, waits: age, activity: age, sessions: age };
    const plan = flags.dryRun ? await relay.admin.gcPlan(all) : await relay.admin.gc(all);
    const lines = plan.map(({ key, why }) => `${key}: ${why}\n`).join("");
    await cli.say(plan, `${lines}${flags.dryRun ? "Would remove" : "Removed"} ${plan.length} things\n`);
  },
});
