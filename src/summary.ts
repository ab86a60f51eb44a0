import { spawnSync } from "node:child_process";
import type { AgentView } from "./roster.ts";

const LIMIT = 2000; // ms
const MOST = 4; // files that are named
// A registration may name any folder: what lies in a cloned repository starts no program, and is taken for none of its own.
const SAFELY = ["--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "safe.bareRepository=explicit"];

/** What an agent does: what it says itself, or else its branch and the files that are changed where it works. */
export function doingOf(agent: AgentView): string | undefined {
  const { status, branch, worktree, presence } = agent;
  if (status !== undefined || worktree === undefined || presence === "gone") return status;
  const files = changedFiles(worktree);
  const more = files.length > MOST ? `, and ${files.length - MOST} more` : "";
  const changed = files.length === 0 ? [] : [`changed ${files.slice(0, MOST).join(", ")}${more}`];
  const facts = [...(branch === undefined ? [] : [`on ${branch}`]), ...changed];
  return facts.length === 0 ? undefined : facts.join(": ");
}

/** As git has it; none where it cannot tell. */
function changedFiles(worktree: string): string[] {
  const args = ["-C", worktree, ...SAFELY, "status", "--porcelain", "-z", "--no-renames"];
  const { status, stdout } = spawnSync("git", args, { encoding: "utf8", timeout: LIMIT });
  if (status !== 0) return [];
  const lines = stdout.split("\0").filter((line) => line.length > 3);
  return lines.map((line) => line.slice(3)).filter((file) => !file.startsWith(".relay/"));
}
