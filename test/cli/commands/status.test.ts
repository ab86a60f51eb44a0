import { expect, test } from "vitest";
import type { Task } from "../../../src/index.ts";
import { Story } from "../../support/cli.ts";

test("status - was a status of one dash, and explain took words for ids", async () => {
  const story = new Story();
  story.stdin = "from stdin\n";
  await story.as("a", "status", "-");
  expect((await story.as("a", "status", "--json")).out).toContain('"from stdin"');
  await story.as("a", "log", "T");
  for (const word of ["T", "human"]) expect((await story.as("a", "explain", word)).code, word).toBe(3);
  const { id } = await story.json<Task>("a", "task", "add", "one");
  expect((await story.as("a", "explain", id.slice(0, 14))).code).toBe(0);
});
