import { expect, test } from "vitest";
import type { ErrorDetails, Task } from "../../src/index.ts";
import { iso } from "../../src/time.ts";
import { Story } from "../support/cli.ts";

const MINUTE = 60_000;

/** What `--json` says of an error for programs. */
async function details(story: Story, session: string, ...args: string[]): Promise<ErrorDetails | undefined> {
  return JSON.parse((await story.as(session, ...args, "--json")).err).error.details;
}

test("who holds a path, until when and why was said in English alone", async () => {
  const story = new Story();
  await story.as("ann", "claim", "src", "--reason", "big move");
  const held = {
    session_id: "ann",
    what: "src",
    how: "holds",
    until: iso(story.now + 30 * MINUTE),
    reason: "big move",
  };
  expect(await details(story, "bob", "claim", "src/a.ts")).toMatchObject({ blockers: [held] });
  expect(await details(story, "bob", "release", "src")).toMatchObject({ blockers: [held] });
});

test("who has a task, and until when, is said for programs", async () => {
  const story = new Story();
  const { id } = await story.json<Task>("ann", "task", "add", "parse");
  await story.as("ann", "task", "claim", id);
  const has = { session_id: "ann", what: id, how: "holds", until: iso(story.now + 30 * MINUTE) };
  expect(await details(story, "bob", "task", "claim", id)).toMatchObject({ blockers: [has] });
  expect(await details(story, "bob", "task", "done", id)).toMatchObject({ blockers: [has] });
});

test("names like the one that was given, and those that a word could mean, are said for programs", async () => {
  const story = new Story();
  for (const session of ["otter-1", "otter-2"]) await story.as(session, "register");
  expect(await details(story, "otter-1", "send", "hello", "--to", "oter-2")).toMatchObject({
    near: ["otter-2", "otter-1"],
  });
  expect(await details(story, "otter-1", "send", "hello", "--to", "otter")).toEqual({
    candidates: ["otter-1", "otter-2"],
  });
});

test("an error that has no more to say says no more", async () => {
  expect(await details(new Story(), "ann", "send", " ")).toBeUndefined();
});
