import { expect, test } from "vitest";
import { Story } from "../support/cli.ts";

test("open questions beyond the limit were not told of", async () => {
  const story = new Story();
  await story.as("b", "register");
  for (const n of [1, 2, 3, 4]) await story.as("a", "send", "--to", "b", "--kind", "question", `q${n}`);
  await story.as("b", "inbox");
  const { err } = await story.as("b", "inbox", "--limit", "1");
  expect(err).toBe("3 more wait for your answer: agent-relay inbox --limit 4\n");
  story.now += 60_000;
  await story.as("a", "send", "--to", "b", "old by now");
  story.now += 60_000;
  expect((await story.as("b", "inbox", "--since", "1s")).err).toBe("No unread messages sent in the last 1s\n");
});
