import { execFile, spawnSync } from "node:child_process";
import fs from "node:fs";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { Story, tempDir } from "../support/cli.ts";
import { COMMAND } from "../support/paths.ts";

const run = promisify(execFile);

test("two appends are two lines of a new file in new folders, and no claim stays behind", async () => {
  const story = new Story();
  await story.as("ann", "append", "notes/log.md", "one");
  story.stdin = "two\n";
  expect((await story.as("bob", "append", "notes/log.md")).out).toContain("Appended 4 bytes");
  expect(fs.readFileSync(`${story.cwd}/notes/log.md`, "utf8")).toBe("one\ntwo\n");
  expect(await story.json("ann", "claims")).toEqual([]);
});

test("an appended line begins on a line of its own, unless it is to be added as it is", async () => {
  const story = new Story();
  fs.writeFileSync(`${story.cwd}/log`, "no end");
  await story.as("ann", "append", "log", "next");
  await story.as("ann", "append", "log", "--no-newline", "a");
  await story.as("ann", "append", "log", "--no-newline", "b");
  expect(fs.readFileSync(`${story.cwd}/log`, "utf8")).toBe("no end\nnext\nab");
});

test("a file that another holds is not touched, nor made", async () => {
  const story = new Story();
  await story.as("bob", "claim", "log", "--reason", "rewriting it");
  const late = await story.as("ann", "append", "log", "--wait", "50ms", "text");
  expect(late).toMatchObject({ code: 5, out: "" });
  expect(late.err).toContain("rewriting it");
  expect(fs.existsSync(`${story.cwd}/log`)).toBe(false);
  expect((await story.json<unknown[]>("ann", "claims")).length).toBe(1);
});

test("who claimed a file before, or its folder, has it still after an append", async () => {
  const story = new Story();
  await story.as("ann", "claim", "docs", "--ttl", "2h");
  const [before] = await story.json<unknown[]>("ann", "claims");
  await story.as("ann", "append", "docs/log.md", "mine");
  expect(await story.json("ann", "claims")).toEqual([before]);
});

test("nothing, a folder, and a path that is none are refused", async () => {
  const story = new Story();
  fs.mkdirSync(`${story.cwd}/folder`);
  expect((await story.as("ann", "append", "log", "")).code).toBe(2);
  expect((await story.as("ann", "append", "", "text")).code).toBe(6);
  expect((await story.as("ann", "append", "folder", "text")).code).toBe(1);
  expect(await story.json("ann", "claims")).toEqual([]);
});

test("an append from a linked worktree writes there, and one from a subfolder below it", () => {
  const base = tempDir();
  const git = (...args: string[]) =>
    spawnSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], { cwd: base });
  git("init", "-q", "main");
  git("-C", "main", "commit", "-q", "--allow-empty", "-m", "first");
  git("-C", "main", "worktree", "add", "-q", "../other");
  fs.mkdirSync(`${base}/other/sub`);
  const env = { ...process.env, HOME: base, AGENT_RELAY_SESSION: "ann" };
  spawnSync(process.execPath, [COMMAND, "append", "log.md", "here"], { cwd: `${base}/other/sub`, env });
  expect(fs.readFileSync(`${base}/other/sub/log.md`, "utf8")).toBe("here\n");
  expect(fs.existsSync(`${base}/main/log.md`)).toBe(false);
});

test("20 processes that append at once leave 20 whole lines", async () => {
  const cwd = tempDir();
  const env = { ...process.env, HOME: cwd };
  const lines = Array.from({ length: 20 }, (_, index) => `${index} ${"x".repeat(5000)}`);
  const append = (line: string, index: number) =>
    run(process.execPath, [COMMAND, "append", "log", line, "--session", `s${index}`], { cwd, env });
  await Promise.all(lines.map(append));
  expect(fs.readFileSync(`${cwd}/log`, "utf8").trimEnd().split("\n").sort()).toEqual(lines.sort());
});

test("what does not fit on the disk is not added in part", () => {
  const cwd = tempDir();
  const env = { ...process.env, HOME: cwd, AGENT_RELAY_SESSION: "ann" };
  fs.writeFileSync(`${cwd}/log`, `${"a".repeat(1000)}\n`);
  const tooMuch = `ulimit -f 4; "$0" "$1" append log ${"b".repeat(8000)}`;
  const { status, stderr } = spawnSync("sh", ["-c", tooMuch, process.execPath, COMMAND], {
    cwd,
    env,
    encoding: "utf8",
  });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: `Cannot append to "${cwd}/log": EFBIG\nTry: agent-relay doctor\n`,
  });
  expect(fs.readFileSync(`${cwd}/log`, "utf8")).toBe(`${"a".repeat(1000)}\n`);
});
