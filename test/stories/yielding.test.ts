import { expect, test } from "vitest";
import { Story } from "../support/cli.ts";

test("who holds a path is asked for it, and releasing it is the answer", async () => {
  const story = new Story();
  await story.as("ann", "claim", "src", "docs");
  const asked = await story.json<{ messages: { to_session: string; kind: string; claims: string[] }[] }>(
    "bob",
    "send",
    "--claim",
    "src/db.ts",
    "for five minutes",
  );
  expect(asked.messages).toMatchObject([{ to_session: "ann", kind: "request-yield", claims: [expect.any(String)] }]);
  await story.as("ann", "inbox");
  expect((await story.as("ann", "inbox")).out).toContain("still open: for five minutes");
  await story.as("ann", "release", "src");
  expect((await story.as("bob", "inbox")).out).toContain("I have released src");
  expect((await story.as("ann", "inbox")).err).toBe("No unread messages\n");
});

test("a request to yield can be refused by an answer, and is then no longer open", async () => {
  const story = new Story();
  await story.as("ann", "claim", "src");
  const [id = ""] = (await story.as("bob", "send", "--claim", "src", "please")).out.split(" ");
  await story.as("ann", "inbox");
  await story.as("ann", "reply", id, "not before noon");
  expect((await story.as("bob", "inbox")).out).toContain("not before noon");
  expect((await story.as("ann", "inbox")).err).toBe("No unread messages\n");
  await story.as("ann", "release", "src");
  expect((await story.as("bob", "inbox")).err).toBe("No unread messages\n");
});

test("what nobody else holds cannot be asked for", async () => {
  const story = new Story();
  await story.as("bob", "claim", "src");
  const { code, err } = await story.as("bob", "send", "--claim", "src", "please");
  expect({ code, err }).toEqual({
    code: 3,
    err: 'Cannot ask anyone for "src": nobody else holds it\nTry: agent-relay claim src\n',
  });
});
