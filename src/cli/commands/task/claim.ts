import { durationOf, formatLeft } from "../../../duration.ts";
import { shortId } from "../../../id.ts";
import type { Relay } from "../../../relay.ts";
import { TENTATIVE } from "../../../render/claims.ts";
import type { TakeOptions } from "../../../tasks/take.ts";
import { filesOf, type Task } from "../../../tasks/task.ts";
import { clean, cleanLine } from "../../../text.ts";
import type { Cli } from "../../cli.ts";
import { defineVerb } from "../../command.ts";
import { EXIT } from "../../exit.ts";
import type { FlagTable } from "../../flag-table.ts";
import { openFor } from "./shared.ts";

const TAKE = {
  "--claim-files": "claim its files too, all or none",
  "--ttl <time>": "how long without renewal: 10s to 8h (default 30m)",
} as const satisfies FlagTable;

export const claim = defineVerb({
  name: "claim",
  about: "take a task, or renew it",
  example: 'agent-relay task claim "parse headers"',
  words: { "<task>": "" },
  flags: {
    ...TAKE,
    "--ignore-dependencies": "although what it depends on is not over",
    "--force": "from whoever has it; for people",
  },
  async run(cli, { ttl, claimFiles, ignoreDependencies, force }, { task }) {
    const relay = await openFor(cli, force, "take a task away");
    const options: TakeOptions = { ttlMs: durationOf(ttl), claimFiles, ignoreDependencies, force };
    const taken = await relay.tasks.claim(task, options);
    await cli.say(taken, `${takenWords(cli, taken)}\n`);
    await tellLost(cli, relay, taken);
  },
});

export const next = defineVerb({
  name: "next",
  about: "take the best task that is ready; exit code 3: there is none",
  example: "agent-relay task next --claim-files",
  flags: TAKE,
  async run(cli, { ttl, claimFiles }) {
    const relay = await cli.open();
    const taken = await relay.tasks.next({ ttlMs: durationOf(ttl), claimFiles });
    await cli.say(taken ?? null, taken ? `${takenWords(cli, taken)}\n` : "");
    if (taken) await tellLost(cli, relay, taken);
    if (!taken) cli.io.err("No task is ready\nTry: agent-relay task list\n");
    return taken ? 0 : EXIT.not_found;
  },
});

/** A task may come after one of which nobody can tell any more whether it was done. */
async function tellLost({ io }: Cli, relay: Relay, task: Task): Promise<void> {
  const { lost } = await relay.tasks.standings([task]);
  for (const id of lost[task.id] ?? [])
    io.err(`note: it comes after ${shortId(id)}, whose record is gone: look whether that was done\n`);
}

function takenWords(cli: Cli, task: Task): string {
  const lines = [
    `${cleanLine(task.title)}\n`,
    ...(task.description === undefined ? [] : [`  ${clean(task.description).replaceAll("\n", "\n  ")}\n`]),
    ...(task.files.length === 0 ? [] : [`files: ${filesOf(task).map(cleanLine).join(" ")}\n`]),
  ];
  const claimed =
    task.files.length === 0
      ? ""
      : task.owner?.claim === undefined
        ? ", its files not claimed (--claim-files)"
        : ", with its files";
  const isTentative = task.owner?.tentative ? ` (${TENTATIVE})` : "";
  const yours = `Yours for ${formatLeft(task.owner?.ttl_ms ?? 0)}${claimed}: ${shortId(task.id)}${isTentative}\n`;
  return `${yours}${cli.framed(lines, "the task")}When it is done: agent-relay task done ${shortId(task.id)}`;
}
