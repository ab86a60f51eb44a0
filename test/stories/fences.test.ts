import { expect, test } from "vitest";
import { hereOnly, Story } from "../support/cli.ts";

// What peers wrote stands in a fence for a model, and plainly for a person: by who acts, not by what stdin is.

const LOOKS = [
  ["inbox", "--peek"],
  ["history"],
  ["agents"],
  ["claims"],
  ["check", "src/a.ts"],
  ["status"],
  ["task", "list"],
  ["decisions"],
  ["activity"],
  ["show", "mail"],
];

async function told(): Promise<Story> {
  const story = new Story();
  await story.as(undefined, "register", "--session", "ann");
  await story.as("claude-1", "claim", "src", "--reason", "new index");
  await story.as("claude-1", "send", "hello all");
  await story.as("claude-1", "task", "add", "first");
  await story.as("claude-1", "decide", "no tabs");
  story.isTerminal = true;
  return story;
}

test.each(LOOKS.map((look) => [look.join(" "), look]))(
  "a model with a terminal of its own read %s without a fence",
  async (_, look) => {
    const story = await told();
    for (const env of [{ CLAUDECODE: "1", AGENT_RELAY_SESSION: "claude-2" }, { AGENT_RELAY_SESSION: "codex-1" }]) {
      story.env = env;
      expect((await story.as(undefined, ...look)).out).toMatch(/^(Claimed.*\n)?\[.*; ends at \w{6}\]\n/);
    }
  },
);

hereOnly.each(LOOKS.map((look) => [look.join(" "), look]))(
  "a person at a terminal read %s in a fence",
  async (_, look) => {
    const { out } = await (await told()).as(undefined, ...look);
    expect(out).not.toBe("");
    expect(out).not.toContain("; ends at ");
  },
);

test("the reason of who holds a claim stood without a fence in a refusal", async () => {
  const story = await told();
  expect((await story.as("codex-1", "claim", "src/a.ts")).err).toMatch(
    /^\[conflict: what went wrong.*\]\nCannot claim[\s\S]*\nTry: /,
  );
  expect((await story.as("codex-1", "claim", "src/a.ts", "--wait", "0s")).err).toMatch(/^\[/);
});
