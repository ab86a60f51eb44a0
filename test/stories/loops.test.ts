import { expect, test } from "vitest";
import { Story } from "../support/cli.ts";

test("a plain message between two agents was no answer to what was heard of the other, so that a loop of them had no end", async () => {
  const story = new Story();
  for (const session of ["ann", "bob"]) await story.as(session, "register", "--agent", "codex");
  const hops: unknown[] = [];
  for (const [from, to] of [
    ["ann", "bob"],
    ["bob", "ann"],
    ["ann", "bob"],
  ] as const) {
    story.now += 1000;
    const { id } = await story.json<{ id: string }>(from, "send", "--to", to, "your turn");
    expect((await story.as(to, "inbox")).out).toContain("your turn");
    hops.push((await story.json<{ hops?: number }>(to, "read", id)).hops ?? 0);
  }
  expect(hops).toEqual([0, 1, 2]);
});
