import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { expect, test } from "vitest";
import { Story, tempDir } from "./cli.ts";

const git = (cwd: string, ...args: string[]) =>
  execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@y", ...args], { cwd, encoding: "utf8" });

function repository(): Story {
  const base = `${tempDir()}/project`;
  fs.mkdirSync(base);
  git(base, "init", "--quiet", "--initial-branch=main");
  git(base, "commit", "--quiet", "--allow-empty", "-m", "x");
  return new Story(base);
}

test("an agent that says nothing of what it does is shown by its branch and the files it has changed", async () => {
  const story = repository();
  await story.as("ann", "register");
  const does = async () => (await story.as("bob", "agents")).out.split("\n").find((line) => line.includes("ann"));
  expect(await does()).toMatch(/on main$/);
  for (const name of ["a.ts", "b.ts", "c ü.ts", "d.ts", "e.ts"]) fs.writeFileSync(`${story.cwd}/${name}`, "");
  expect(await does()).toMatch(/on main: changed a\.ts, b\.ts, c ü\.ts, d\.ts, and 1 more$/);
  await story.as("ann", "status", "parsing headers");
  expect(await does()).toMatch(/parsing headers$/);
});

test("what lies in a folder that a registration names is run by nobody", async () => {
  const story = repository();
  await story.as("ann", "register");
  const bare = `${story.cwd}/bare`;
  git(story.cwd, "init", "--quiet", "--bare", bare);
  fs.writeFileSync(`${story.cwd}/hook`, `#!/bin/sh\ntouch "${story.cwd}/pwned"\n`, { mode: 0o755 });
  for (const folder of [bare, `${story.cwd}/.git`])
    fs.appendFileSync(
      `${folder}/config`,
      `[core]\n\tfsmonitor = ${story.cwd}/hook\n\tworktree = ${story.cwd}\n\tbare = false\n`,
    );
  for (const worktree of [bare, story.cwd, "/nothing"]) {
    const record = `${story.cwd}/.relay/agents/ann.json`;
    const agent = JSON.parse(fs.readFileSync(record, "utf8"));
    fs.writeFileSync(record, JSON.stringify({ ...agent, worktree }, null, 2));
    expect((await story.as("bob", "agents")).code).toBe(0);
  }
  expect(fs.existsSync(`${story.cwd}/pwned`)).toBe(false);
});

test("history says which message is new, and marks nothing", async () => {
  const story = new Story();
  await story.as("ann", "register");
  await story.as("bob", "send", "--to", "ann", "first");
  await story.as("ann", "inbox");
  await story.as("bob", "send", "--to", "ann", "second");
  const lines = (await story.as("ann", "history")).out.split("\n").filter((line) => line.startsWith("msg-"));
  expect(lines).toEqual([expect.stringMatching(/to you, \S+ ago: first$/), expect.stringMatching(/ago, NEW: second$/)]);
  expect((await story.as("bob", "history")).out, "to who sent it, it is not").not.toContain("NEW");
  expect((await story.as("ann", "unread")).out).toBe("1\n");
});
