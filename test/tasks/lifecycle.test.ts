import fs from "node:fs";
import { expect, test } from "vitest";
import { shortId } from "../../src/id.ts";
import { Story } from "../support/cli.ts";
import { killed, living } from "../support/living-process.ts";
import { Town } from "../support/memory-project.ts";

test("who works on a task was not told when its maker cancelled, blocked or edited it, and lost its files at once", async () => {
  for (const step of [["cancel"], ["block"], ["edit"]] as const) {
    const town = new Town();
    const ann = town.as("ann");
    await ann.tasks.add("one", { files: ["src/a.ts"] });
    await town.as("bob").tasks.claim("one", { claimFiles: true });
    if (step[0] === "cancel") await ann.tasks.cancel("one");
    if (step[0] === "block") await ann.tasks.block("one", "no key");
    if (step[0] === "edit") await ann.tasks.edit("one", { title: "two" });
    expect((await town.unread("bob")).join(), step[0]).toMatch(
      /^ann (cancelled|blocked|edited) your task .*it made the/,
    );
    await expect(town.as("cay").claim(["src/a.ts"])).rejects.toThrow("bob");
  }
});

test("a circle through what a task depends on was not found", async () => {
  const town = new Town();
  await town.as("ann").tasks.add("first");
  await town.as("ann").tasks.add("second", { dependsOn: ["first"] });
  await town.as("bob").tasks.claim("first");
  await town.as("ann").claim(["src"]);
  const stop = new AbortController();
  const waiting = town.as("ann").wait({ taskDone: ["second"] }, { signal: stop.signal });
  await expect.poll(async () => (await town.store.get("claims/live"))?.edges, { interval: 1 }).toHaveLength(1);
  await expect(town.as("bob").claim(["src"], { waitMs: 60_000 })).rejects.toThrow(/in this circle.*bob waits for ann/);
  stop.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

test("the task of a dead owner was listed as if it were being worked on", async () => {
  const story = new Story();
  const process = await living();
  await story.as("e", "register", "--pid", String(process.pid), "--name", "eve");
  await story.as("e", "task", "add", "one");
  await story.as("e", "task", "claim", "one");
  expect((await story.as("b", "task", "list")).out).toContain("\teve, 30m left\t-\t-\tone\n");
  await killed(process);
  for (const args of [["task", "list"], ["task", "list", "--ready"], ["task", "show", "one"], ["status"]])
    expect((await story.as("b", ...args)).out, args.join(" ")).toMatch(
      /\tabandoned by eve\t-\t-\tone\n|\[abandoned by eve\] one\n/,
    );
});

test("a task whose dependencies are over was still listed as waiting for them", async () => {
  const story = new Story();
  await story.as("a", "task", "add", "one");
  await story.as("a", "task", "add", "two", "--after", "one");
  expect((await story.as("a", "task", "list")).out).toMatch(/\tpending, after \w{6}\t-\t-\ttwo\n/);
  await story.as("a", "task", "cancel", "one");
  expect((await story.as("a", "task", "list")).out).toContain("\tpending\t-\t-\ttwo\n");
});

test("any agent could end the work of the others, and who lost a claim by it was not told", async () => {
  const story = new Story();
  await story.as("a", "claim", "src");
  for (const args of [["finish"], ["forget", "--yes"]])
    expect(await story.as("b", ...args, "--agent", "claude"), args[0]).toMatchObject({ code: 6, out: "" });
  expect((await story.as("b", "finish")).code, "a person may").toBe(0);
  await story.as("b", "reopen");
  expect((await story.as("a", "inbox")).out).toContain(
    "finished this project: your session was ended, and your claim on src",
  );
});

test("a task whose prerequisite's record is gone said nothing of it", async () => {
  const story = new Story();
  const { id } = await story.json<{ id: string }>("a", "task", "add", "First");
  const { id: second } = await story.json<{ id: string }>("a", "task", "add", "Second", "--after", id);
  fs.rmSync(`${story.cwd}/.relay/tasks/${id}.json`);
  for (const look of [["task", "list"], ["task", "list", "--ready"], ["task", "show", second], ["status"]])
    expect((await story.as("a", ...look)).out, look.join(" ")).toContain(`after ${shortId(id)}, WHOSE RECORD IS GONE`);
  expect((await story.as("a", "doctor")).out).toContain(`the task ${second} comes after ${id}, whose record is gone`);
  expect(await story.json("a", "task", "list")).toMatchObject({ lost: { [second]: [id] } });
  const taken = await story.as("a", "task", "next");
  expect(taken).toMatchObject({
    code: 0,
    err: `note: it comes after ${shortId(id)}, whose record is gone: look whether that was done\n`,
  });
  await story.as("a", "task", "done", second);
  expect((await story.as("a", "doctor")).out).not.toContain("whose record is gone");
});

test("a task that is over is kept for as long as one that is not over comes after it", async () => {
  const story = Story.ofOneUser();
  const { id } = await story.json<{ id: string }>("a", "task", "add", "First");
  await story.as("a", "task", "add", "Second", "--after", id);
  await story.as("a", "task", "claim", id);
  await story.as("a", "task", "done", id);
  story.now += 40 * 24 * 3_600_000;
  await story.as("a", "gc");
  expect(fs.existsSync(`${story.cwd}/.relay/tasks/${id}.json`)).toBe(true);
  await story.as("a", "task", "next");
  await story.as("a", "task", "done", "Second");
  await story.as("a", "gc");
  expect(fs.existsSync(`${story.cwd}/.relay/tasks/${id}.json`)).toBe(false);
});
