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

test("a message is found by the beginning or the end of its id, in every verb that takes one, and of several these are named", async () => {
  const story = await project();
  const sent: string[] = [];
  for (const text of ["one", "two", "three"]) {
    const { id } = await story.json<{ id: string }>("ann", "send", "--to", "gemini-1", "--kind", "question", text);
    sent.push(id);
    story.now += 60_000;
  }
  const [first = "", second = "", third = ""] = sent;
  expect((await story.as("gemini-1", "read", first.slice(-6))).out).toContain("one");
  expect((await story.as("gemini-1", "reply", second.slice(-6), "yes")).code).toBe(0);
  expect((await story.json<{ reply_to: string }[]>("ann", "thread", second.slice(-6)))[1]?.reply_to).toBe(second);
  expect((await story.as("gemini-1", "ack", third.slice(-6))).code).toBe(0);
  expect((await story.as("ann", "withdraw", first.slice(-6))).code).toBe(0);
  expect((await story.as("gemini-1", "inbox")).err).toContain("No unread messages");
  const { code, err } = await story.as("ann", "read", "msg-");
  expect([code, err]).toEqual([2, expect.stringContaining(`it could be ${first}, ${second}, ${third}`)]);
  expect((await story.as("codex-1", "read", first.slice(-6))).code, "another's mail").toBe(3);
});

test("an option swallowed the path or the title that came after it, and the error misled", async () => {
  const story = await project();
  expect((await story.as("ann", "claim", "--wait", "src/db.ts")).out).toContain("Claimed src/db.ts for");
  const claimed = await story.as("ann", "claim", "--resource", "db", "src/aa");
  expect([claimed.code, claimed.err]).toEqual([2, expect.stringContaining("agent-relay claim src/aa --resource db")]);
  const { code, err } = await story.as("ann", "task", "add", "--file", "src/a", "My title");
  expect([code, err]).toEqual([2, expect.stringContaining("agent-relay task add 'My title' --file src/a")]);
  story.stdin = "Title of stdin\n";
  await story.as("ann", "task", "add", "-");
  expect((await story.as("ann", "task", "list")).out).toContain("Title of stdin");
  expect((await story.as("ann", "activity", "--at", "2099-01-01T00:00Z")).code).toBe(2);
});

test("the library took a misspelt option for none, and told everyone", async () => {
  const relay = new Relay(`${tempDir()}/.relay`, { session: "ann", agent: "claude", durability: "process" });
  const odd = { too: "nobody" } as SendOptions;
  await expect(relay.send("x", odd)).rejects.toMatchObject({
    code: "usage",
    message: expect.stringContaining('"too"'),
  });
  expect((await relay.messages.history()).messages).toEqual([]);
});

test("a group that has nobody in it was to be written to with --keep, which could not be", async () => {
  const story = new Story();
  for (const group of ["human", "role:reviewer"])
    for (const keep of [[], ["--keep"]]) {
      const { code, err } = await story.as("claude-1", "send", "--to", group, ...keep, "may I?");
      expect(code).toBe(3);
      expect(err).toContain('Try: agent-relay send --to all "..."');
    }
});
