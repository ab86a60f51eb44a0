import { expect, test } from "vitest";
import { Story } from "../support/cli.ts";

test("the advice to ask for a claim made a request that named none, which releasing did not answer", async () => {
  const story = new Story();
  await story.as("a", "register", "--name", "ann");
  await story.as("a", "claim", "src/x.ts", "--resource", "db");
  for (const what of ["src/x.ts", "db"]) {
    const args = what === "db" ? ["--resource", "db"] : [what];
    const { err } = await story.as("b", "claim", ...args);
    expect(err).toContain(`agent-relay send --claim ${what} "..."`);
    expect((await story.as("b", "send", "--claim", what, "please")).code, what).toBe(0);
  }
  expect(await story.as("b", "send", "--kind", "request-yield", "please")).toMatchObject({
    ...{ code: 2, out: "" },
    err: expect.stringContaining("agent-relay send --claim <path>"),
  });
  expect((await story.as("a", "inbox")).out).toMatch(/request-yield, for src\/x.ts, resource db: please/);
  await story.as("a", "release", "--all");
  expect((await story.as("a", "inbox")).err).toContain("No unread");
  expect((await story.as("b", "inbox")).out).toContain("I have released src/x.ts");
});

test("a request to yield stayed open when the claim had ended by itself", async () => {
  const story = new Story();
  await story.as("a", "claim", "src", "--ttl", "10s");
  await story.as("b", "send", "--claim", "src", "give");
  await story.as("a", "inbox");
  expect((await story.as("a", "inbox")).out).toContain("still open: give");
  story.now += 11_000;
  await story.as("b", "claim", "src");
  expect(await story.as("a", "inbox")).toMatchObject({ out: "", err: "No unread messages\n" });
  expect((await story.as("b", "inbox")).out).toContain("I do not hold that any more");
});
