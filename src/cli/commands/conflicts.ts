import type { AgentView } from "../../agents/registry.ts";
import { comparison, readWorktrees, type Worktree } from "../../git/worktrees.ts";
import { namesOf } from "../../render/messages.ts";
import { cleanLine } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import { EXIT } from "../exit.ts";

interface Conflict {
  readonly file: string;
  /** Where it was changed, and who works there. */
  readonly worktrees: readonly { readonly root: string; readonly branch: string; readonly agents: readonly string[] }[];
}

export const verb = defineVerb({
  name: "conflicts",
  about:
    "List files that were changed in more than one worktree since they parted, before anyone merges. Exit code 4: there are some.",
  example: "agent-relay conflicts",
  run: conflicts,
});

async function conflicts(cli: Cli): Promise<number> {
  const agents = await (await cli.open()).agents.list();
  const { worktrees, leftOut } = readWorktrees(cli.io.cwd);
  for (const line of leftOut) cli.io.err(`${cleanLine(line)}\n`);
  const where = changedInSeveral(worktrees);
  const placeOf = placesOf(agents);
  const found: Conflict[] = [...where.keys()].sort().map((file) => ({
    file,
    worktrees: worktrees.filter((each) => where.get(file)?.has(each)).map(placeOf),
  }));
  await cli.say(found, found.map(line).join(""));
  if (found.length === 0) cli.io.err("No file was changed in more than one worktree\n");
  return found.length === 0 ? 0 : EXIT.conflict;
}

/** Compares each two worktrees from where they parted: what a branch began with is no change of its own. */
function changedInSeveral(worktrees: readonly Worktree[]): Map<string, Set<Worktree>> {
  const where = new Map<string, Set<Worktree>>();
  const inBoth = comparison();
  for (const [index, one] of worktrees.entries())
    for (const other of worktrees.slice(index + 1))
      for (const file of inBoth(one, other)) where.set(file, (where.get(file) ?? new Set()).add(one).add(other));
  return where;
}

function placesOf(agents: readonly AgentView[]) {
  const called = namesOf(agents);
  return ({ root, branch }: Worktree) => ({
    root,
    branch,
    agents: agents
      .filter(({ worktree, presence }) => worktree === root && presence !== "gone")
      .map(({ session_id }) => called.get(session_id) ?? session_id),
  });
}

function line({ file, worktrees }: Conflict): string {
  const where = worktrees.map(
    ({ branch, agents }) => `${branch}${agents.length === 0 ? "" : ` (${agents.join(", ")})`}`,
  );
  return `${cleanLine(`${file}: ${where.join("; ")}`)}\n`;
}
