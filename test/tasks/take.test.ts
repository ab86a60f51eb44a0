import { expect, test } from "vitest";
import { shortId } from "../../src/id.ts";
import type { Task } from "../../src/index.ts";
import { Story } from "../support/cli.ts";
import { Town } from "../support/memory-project.ts";

// Bugs that were met in claims, tasks and waits, each by its symptom.

const MINUTE = 60_000;

test("renewing a task let the claim on its files run out", async () => {
  const town = new Town();
  await town.as("ann").tasks.add("one", { files: ["src/a.ts"] });
  const { tasks } = town.as("bob");
  await tasks.claim("one", { claimFiles: true, ttlMs: 10 * MINUTE });
  town.clock += 9 * MINUTE;
  await tasks.claim("one", { ttlMs: 10 * MINUTE });
  town.clock += 9 * MINUTE;
  await expect(town.as("cay").claim(["src/a.ts"])).rejects.toThrow("bob");
  await tasks.renew();
  town.clock += 9 * MINUTE;
  await expect(town.as("cay").claim(["src/a.ts"])).rejects.toThrow("bob");
});

test("files that a killed take had claimed were not given back when the task was done", async () => {
  const town = new Town();
  const task = await town.as("ann").tasks.add("one", { files: ["src/a.ts"] });
  await town.as("bob").claim(["src/a.ts"], { ttlMs: 30_000, reason: `task: ${task.title}` }); // all that it did
  await town.as("bob").tasks.claim("one", { claimFiles: true });
  await town.as("bob").tasks.done("one");
  expect(await town.as("bob").claims.list()).toEqual([]);
});

test("files that a task was about before it was edited stayed claimed after it was done", async () => {
  const town = new Town();
  await town.as("ann").tasks.add("one", { files: ["src/a.ts"] });
  const { tasks } = town.as("bob");
  await tasks.claim("one", { claimFiles: true });
  await tasks.edit("one", { files: ["src/b.ts"] });
  await tasks.claim("one", { claimFiles: true });
  expect((await town.as("bob").claims.list()).map(({ targets }) => targets[0]?.path)).toEqual(["src/b.ts"]);
  await tasks.done("one");
  expect(await town.as("bob").claims.list()).toEqual([]);
});

test("next --claim-files said that no task is ready where all that are ready have files that others hold", async () => {
  const story = new Story();
  const add = async (title: string) => (await story.json<Task>("a", "task", "add", title, "--file", title)).id;
  const id = await add("one");
  story.now += 1;
  await add("two");
  await story.as("c", "claim", "one", "two");
  const { code, err } = await story.as("b", "task", "next", "--claim-files");
  expect(code).toBe(4);
  const { name: called } = await story.json<{ name: string }>("c", "whoami");
  expect(err).toBe(
    `Cannot claim the files of "${shortId(id)}": ${called} holds them, so are those of the other 1 that are ready\n` +
      "Try: agent-relay wait --released one, or take one without --claim-files\n",
  );
  expect((await story.as("b", "task", "next")).code).toBe(0);
});
