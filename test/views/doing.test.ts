import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { expect, test } from "vitest";
import type { AgentView } from "../../src/agents/registry.ts";
import { workOf } from "../../src/views/doing.ts";
import { tempDir } from "../support/cli.ts";

const NOW = Date.parse("2026-05-01T12:00:00Z");

function git(cwd: string, ...args: string[]): void {
  const own = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"];
  const { status, stderr } = spawnSync("git", [...own, ...args], { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

/** A repository in which the file `f` was changed since it was committed. */
function repository(folder: string): string {
  fs.mkdirSync(folder);
  git(folder, "init", "-q");
  fs.writeFileSync(`${folder}/f`, "1\n");
  git(folder, "add", ".");
  git(folder, "commit", "-qm", "f");
  fs.writeFileSync(`${folder}/f`, "2\n");
  return folder;
}

function agent(session_id: string, facts: Partial<AgentView>): AgentView {
  return {
    ...{ session_id, agent_id: "claude", pid: 0, registered_at: 0, last_heartbeat: 0, last_seen: 0 },
    ...{ presence: "active", metadata: {}, ...facts },
  } as AgentView;
}

test("what an agent does is what it says, or else the branch that it is on now and what is changed in its worktree", async () => {
  const base = tempDir();
  const own = repository(`${base}/own`);
  git(own, "worktree", "add", "-q", `${base}/linked`, "-b", "side");
  git(own, "checkout", "-qb", "later");
  const agents = [
    agent("ann", { worktree: own, branch: "main" }),
    agent("bob", { worktree: `${base}/linked`, branch: "side" }),
    agent("cay", { worktree: own, status: "thinking" }),
    agent("eve", { worktree: own, status: "thinking", status_at: new Date(NOW - 3 * 3_600_000).toISOString() }),
    agent("dan", { worktree: own, branch: "main", presence: "gone" }),
  ];
  expect([...(await workOf(agents, own, NOW))]).toEqual([
    ["ann", "on later: changed f"],
    ["bob", "on side"],
    ["cay", "thinking (on later)"],
    ["eve", "thinking, 3h ago (on later)"],
  ]);
});

test("no program that a strange folder names is run, though a session says that it works there", async () => {
  const base = tempDir();
  const own = repository(`${base}/own`);
  const strange = repository(`${base}/strange`);
  git(strange, "config", "filter.x.clean", `touch ${base}/PWNED; cat`);
  fs.writeFileSync(`${strange}/.gitattributes`, "* filter=x\n");
  const found = await workOf([agent("eve", { worktree: strange, branch: "main" })], own, NOW);
  expect([...found]).toEqual([["eve", "on main"]]);
  expect(fs.existsSync(`${base}/PWNED`)).toBe(false);
});
