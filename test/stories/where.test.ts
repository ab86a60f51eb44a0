import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { expect, test } from "vitest";
import { Relay } from "../../src/relay.ts";
import { Story, tempDir } from "../support/cli.ts";

interface Row {
  readonly session_id: string;
  readonly worktree?: string;
  readonly branch?: string;
}

test("a registration says in which worktree, and on which branch, an agent works", async () => {
  const base = tempDir();
  const git = (...args: string[]) =>
    spawnSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: base });
  git("init", "-q", "-b", "trunk", "main");
  git("-C", "main", "commit", "-q", "--allow-empty", "-m", "first");
  git("-C", "main", "worktree", "add", "-q", "-b", "feat/parser", "../other");
  fs.mkdirSync(`${base}/other/src`);
  for (const [session, cwd] of [
    ["ann", `${base}/main`],
    ["bob", `${base}/other/src`],
  ] as const)
    await (await Relay.open({ session, agent: "claude", cwd, env: { HOME: base } })).agents.register();
  const agents: readonly Row[] = await new Relay(`${base}/main/.relay`).agents.list();
  const rows = agents.map(({ session_id, worktree, branch }) => [session_id, worktree, branch]).sort();
  expect(rows).toEqual([
    ["ann", `${base}/main`, "trunk"],
    ["bob", `${base}/other`, "feat/parser"],
  ]);
});

test("outside git, and on no branch, nothing is said of one", async () => {
  const story = new Story();
  await story.as("ann", "register");
  const [ann] = await story.json<Row[]>("ann", "agents");
  expect(ann).not.toHaveProperty("branch");
  expect(ann).not.toHaveProperty("worktree");
});

test("a heartbeat renews claims and tasks, and makes nobody", async () => {
  const story = new Story();
  expect((await story.as("ann", "heartbeat")).code).toBe(3);
  await story.as("ann", "claim", "src", "--ttl", "10m");
  await story.as("ann", "task", "add", "Parse");
  await story.as("ann", "task", "next", "--ttl", "10m");
  story.now += 9 * 60_000;
  expect((await story.as("ann", "heartbeat")).out).toBe("ann lives; renewed 1 claims and 1 tasks\n");
  story.now += 9 * 60_000;
  expect(await story.json("bob", "claims")).toMatchObject([{ session_id: "ann" }]);
  expect((await story.as("bob", "task", "next")).code).toBe(3);
});

test("how long silence means what can be said by the environment, and nonsense is refused", async () => {
  const base = tempDir();
  let now = Date.parse("2026-03-01T12:00:00Z");
  const open = (env: Record<string, string>) =>
    Relay.open({ dir: `${base}/.relay`, session: "ann", agent: "claude", now: () => now, env: { HOME: base, ...env } });
  await (await open({})).agents.register({ pid: 0 });
  now += 60_000;
  const presence = async (env: Record<string, string>) => (await (await open(env)).agents.find("ann"))?.presence;
  expect(await presence({})).toBe("active");
  expect(await presence({ AGENT_RELAY_ACTIVE: "30s" })).toBe("idle");
  expect(await presence({ AGENT_RELAY_ACTIVE: "10s", AGENT_RELAY_SILENT: "30s" })).toBe("gone");
  await expect(open({ AGENT_RELAY_SILENT: "soon" })).rejects.toMatchObject({ code: "usage" });
});

test("a claim that is to be told of is told to everyone", async () => {
  const story = new Story();
  await story.as("bob", "register");
  await story.as("ann", "claim", "src/db.ts", "--tell", "--reason", "new index");
  expect((await story.as("bob", "inbox")).out).toContain("I have claimed src/db.ts: new index");
});
