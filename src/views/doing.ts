import type { AgentView } from "../agents/registry.ts";
import { formatDuration } from "../duration.ts";
import { branchOf, worktreesOf } from "../git/repository.ts";
import { changedFiles } from "../git/status.ts";

const MAX_FILES = 4; // files that are named

const STATUS_FRESH_MS = 600_000; // a status that is older says since when

/**
 * What each agent does, by session: its own status and its branch, or else its branch and the changed files of its
 * worktree; the branch as it is now, where its worktree is of this repository. Git runs
 * only in the worktrees of the repository of `project`, once in each: a registration may name any folder, and the git
 * settings of a foreign folder name programs that git would run.
 */
export async function workOf(
  agents: readonly AgentView[],
  project: string,
  now: number,
): Promise<ReadonlyMap<string, string>> {
  const own = worktreesOf(project);
  const silent = agents.filter(({ status, presence }) => status === undefined && presence !== "gone");
  const roots = own.filter((root) => silent.some(({ worktree }) => worktree === root));
  const found = new Map(await Promise.all(roots.map(async (root) => [root, await workIn(root)] as const)));
  return new Map(
    agents.flatMap((agent) => {
      const { session_id, status, status_at, worktree = "" } = agent;
      const branch = own.includes(worktree) ? branchOf(worktree) : agent.branch;
      const guess = found.get(worktree) ?? (branch && `on ${branch}`);
      const old = now - Date.parse(status_at ?? "");
      const age = old > STATUS_FRESH_MS ? `, ${formatDuration(old)} ago` : "";
      const said = status && `${status}${age}${branch === undefined ? "" : ` (on ${branch})`}`;
      const does = said ?? (silent.includes(agent) ? guess : undefined);
      return does === undefined ? [] : [[session_id, does] as const];
    }),
  );
}

async function workIn(root: string): Promise<string | undefined> {
  const branch = branchOf(root);
  const files = await changedFiles(root);
  const more = files.length > MAX_FILES ? `, and ${files.length - MAX_FILES} more` : "";
  const changed = files.length === 0 ? [] : [`changed ${files.slice(0, MAX_FILES).join(", ")}${more}`];
  const facts = [...(branch === undefined ? [] : [`on ${branch}`]), ...changed];
  return facts.length === 0 ? undefined : facts.join(": ");
}
