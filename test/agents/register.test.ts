import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { expect, test } from "vitest";
import { Relay } from "../../src/relay.ts";
import { Story, tempDir } from "../support/cli.ts";
import { relay } from "../support/relay-of.ts";

test("a session that went on in a new process stayed gone, and was cleaned up", async () => {
  const dir = tempDir();
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  await relay(dir, "claude-1").agents.register({ pid: child.pid });
  child.kill("SIGKILL");
  await once(child, "close");
  expect((await relay(dir, "b").agents.find("claude-1"))?.presence).toBe("gone");
  await relay(dir, "claude-1", { pid: process.pid }).messages.unreadCount();
  expect(await relay(dir, "b").agents.find("claude-1")).toMatchObject({ presence: "active", pid: process.pid });
  expect(await relay(dir, "b").admin.cleanupDead()).toEqual([]);
});

test.each([
  { what: "a tool's name of 130,000 characters", options: { agent: "x".repeat(130_000) } },
  { what: "a tool's name with a NUL", options: { agent: "a\0b" } },
  { what: "an empty tool's name", options: { agent: "" } },
  { what: "a session id whose marks would have names too long to write", options: { session: "s".repeat(126) } },
  { what: "a reserved word as a session id", options: { session: "human" } },
])("$what was accepted", async ({ options }) => {
  const dir = tempDir();
  await expect((async () => new Relay(dir, { session: "a", ...options }).send("hi"))()).rejects.toMatchObject({
    code: "usage",
  });
  expect(fs.readdirSync(dir)).toEqual([]);
});

test("a heartbeat made a relay, reopen of none said that it is not finished, and a folder among the projects was a crash", async () => {
  const story = new Story();
  expect((await story.as("a", "heartbeat")).code).toBe(3);
  expect(fs.readdirSync(story.cwd)).toEqual([]);
  expect((await story.as("a", "reopen")).code).toBe(3);
  await story.as("a", "send", "hello");
  fs.mkdirSync(`${story.state}/agent-relay/projects/folder`);
  expect((await story.as("a", "projects")).out).toBe(`${story.cwd}/.relay\n`);
  story.now += 86_400_000 * 2;
  expect((await story.as("a", "activity")).err).toContain("Nothing happened in the last 1d");
});
