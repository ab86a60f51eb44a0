import { expect, test } from "vitest";
import type { SendOptions } from "../../src/index.ts";
import { Relay } from "../../src/index.ts";
import { Story, tempDir } from "../support/cli.ts";

async function project(): Promise<Story> {
  const story = new Story();
  await story.as("gemini-1", "register", "--name", "smart-goat");
  await story.as("codex-1", "register", "--role", "reviewer");
  return story;
}

test.each(["gemini-1", "smart-goat", "all", "human", "role:reviewer"])(
  "a message whose first word named %s went to everyone",
  async (word) => {
    const story = await project();
    const { code, err, out } = await story.as("ann", "send", word, "please look");
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(`Cannot tell whether this is for ${word} or for everyone`);
    expect(err).toContain(
      `agent-relay send --to ${word} 'please look'; for everyone: agent-relay send --to all '${word} please look'`,
    );
    expect((await story.as("codex-1", "unread")).out).toBe("0\n");
  },
);

test("a word that is nobody's name, or text in one piece, is text", async () => {
  const story = await project();
  expect((await story.as("ann", "send", "build", "is", "green")).out).toContain("sent to all");
  expect((await story.as("ann", "send", "gemini-1 is done")).out).toContain("sent to all");
});

test.each([
  [["@gemini-1", "hi there"], "hi there"],
  [["@smart-goat:", "hi", "there"], "hi there"],
  [["@gemini-1 hi there"], "@gemini-1 hi there"],
])("%j went to everyone: it is for the one that it names", async (words, content) => {
  const story = await project();
  expect((await story.as("ann", "send", ...words)).code).toBe(0);
  expect((await story.as("codex-1", "unread")).out).toBe("0\n");
  expect(
    (await story.json<{ items: { message: { content: string } }[] }>("gemini-1", "inbox")).items[0]?.message.content,
  ).toBe(content);
});

test("an @ and a name that nobody has is refused, with who is meant perhaps, and goes to nobody", async () => {
  const story = await project();
  const { code, err } = await story.as("ann", "send", "@gemni-1", "hi");
  expect([code, err]).toEqual([3, expect.stringContaining("did you mean gemini-1")]);
  expect((await story.as("codex-1", "unread")).out).toBe("0\n");
});

test("the library took a misspelt option for none, and told everyone", async () => {
  const relay = new Relay(`${tempDir()}/.relay`, { session: "ann", agent: "claude", durability: "process" });
  const odd = { too: "nobody" } as SendOptions;
  await expect(relay.send("x", odd)).rejects.toMatchObject({
    code: "usage",
    message: expect.stringContaining('"too"'),
  });
  expect(await relay.history()).toEqual([]);
});
