import fs from "node:fs";
import { expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { Story, tempDir } from "../support/cli.ts";
import { FatefulStore } from "../support/killable-store.ts";
import { Town } from "../support/memory-project.ts";

test("an append that was killed kept the others from the file for half an hour", async () => {
  const town = new Town();
  let during: unknown;
  const store = new FatefulStore(town.store, async () => {
    during ??= await town.store.get("claims/live");
  });
  await new Relay(`${town.project}/.relay`, { session: "ann", store, now: () => town.clock }).claims.append(
    "log.md",
    "x",
  );
  expect(during).toMatchObject({ claims: [{ ttl_ms: 30_000 }] });
});

test("append wrote to files outside the worktree, in .git and in the relay itself", async () => {
  const base = tempDir();
  const story = new Story(`${base}/project`);
  fs.mkdirSync(`${story.cwd}/.git`, { recursive: true });
  fs.symlinkSync(base, `${story.cwd}/out`);
  await story.as("a", "send", "hello");
  for (const file of ["../x", `${base}/x`, "out/x", ".git/config", ".relay/relay.json"]) {
    const { code, err } = await story.as("a", "append", file, "boo");
    expect(code, file).toBe(6);
    expect(err).toMatch(/^Cannot append to .*\nTry: name a file/);
  }
  expect((await story.as("a", "append", "docs/*.md", "boo")).code).toBe(2);
  expect(fs.readdirSync(base)).toEqual(["project"]);
  expect((await story.as("a", "append", "docs/a.md", "boo")).code).toBe(0);
});
