import { expect, test } from "vitest";
import { Story, tempDir } from "../support/cli.ts";
import { drop } from "../support/foreign-message.ts";
import { relay } from "../support/relay-of.ts";

test("another program's old messages hid our new ones from history", async () => {
  const dir = tempDir();
  for (let n = 0; n < 25; n++) drop(dir, `msg-aaaa${n + 10}`, { timestamp: 1_600_000_000 + n });
  await relay(dir, "a").send("the newest");
  expect((await relay(dir, "b").messages.history()).messages.at(-1)?.content).toBe("the newest");
});

test("history with a session that left did not find it", async () => {
  const story = new Story();
  await story.as("b", "register", "--name", "bee");
  await story.as("b", "send", "bye");
  await story.as("b", "unregister");
  expect((await story.as("a", "history", "--with", "bee")).out).toContain("bye");
});
