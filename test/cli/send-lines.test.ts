import { spawn } from "node:child_process";
import { once } from "node:events";
import readline from "node:readline";
import { expect, test } from "vitest";
import { Story } from "../support/cli.ts";
import { COMMAND } from "../support/paths.ts";

test("each line of stdin is a message, and each has an answer of one line, in their order", async () => {
  const story = new Story();
  await story.as("bob", "register");
  story.stdin = [
    { content: "one", to: "bob" },
    { content: "two", to: "bob", kind: "question", deadline: "10m" },
    { content: "three" },
  ]
    .map((line) => JSON.stringify(line))
    .join("\n");
  const { out, code } = await story.as("ann", "send", "--lines");
  expect(code).toBe(0);
  const answers = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(answers.map(({ messages }) => messages[0].content)).toEqual(["one", "two", "three"]);
  expect(answers[1].messages[0]).toMatchObject({ kind: "question", answer_by: expect.any(String) });
  const { items } = await story.json<{ items: { message: { content: string } }[] }>("bob", "inbox");
  expect(items.map(({ message }) => message.content)).toEqual(["one", "two", "three"]);
});

test("a line that cannot be sent has its error, and holds up no other; the exit code is the first one's", async () => {
  const story = new Story();
  await story.as("bob", "register");
  story.stdin = `{"content":"good","to":"bob"}\n{"content":1}\nnot JSON\n{"content":"x","to":"nobody-here"}\n{"content":"x","too":"bob"}\n\n{"content":"last","to":"bob"}\n`;
  const { out, code } = await story.as("ann", "send", "--lines");
  expect(code).toBe(2);
  const answers = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(answers.map(({ error, messages }) => error?.code ?? messages[0].content)).toEqual([
    ...["good", "usage", "usage", "not_found", "usage", "last"],
  ]);
  expect(answers[1].error.next).toContain("agent-relay send --lines");
  expect((await story.as("bob", "unread")).out).toBe("2\n");
});

test.each([
  { to: 5 },
  { to: ["bob", 5] },
  { kind: 7 },
  { kind: "bogus" },
  { ack: "yes" },
  { claims: "c" },
  { thread: {} },
  { sign: true },
  { report: true },
  { expires: "soon" },
  { deadline: [] },
  { deadline: -1 },
])("a line with %j was a crash of the whole run", async (odd) => {
  const story = new Story();
  await story.as("bob", "register");
  story.stdin = `${JSON.stringify({ content: "x", to: "bob", ...odd })}\n${JSON.stringify({ content: "good", to: "bob" })}`;
  const { out, err, code } = await story.as("ann", "send", "--lines");
  expect({ err, code }).toEqual({ err: "", code: 2 });
  const answers = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(answers[0].error).toMatchObject({ code: "usage", next: expect.any(String) });
  expect(answers[1].messages[0].content).toBe("good");
});

test("flags are for every line that does not say otherwise, and go with no text", async () => {
  const story = new Story();
  for (const who of ["bob", "cho"]) await story.as(who, "register");
  story.stdin = `{"content":"to bob"}\n{"content":"to cho","to":"cho"}`;
  await story.as("ann", "send", "--lines", "--to", "bob", "--kind", "status");
  expect((await story.as("bob", "inbox")).out).toContain("to bob");
  expect((await story.as("cho", "inbox")).out).toContain("to cho");
  expect((await story.as("ann", "send", "--lines", "a text")).code).toBe(2);
});

test("a program that writes a line and waits for its answer has it, while its pipe stays open", async () => {
  const story = new Story();
  await story.as("bob", "register");
  const env = { ...process.env, AGENT_RELAY_DIR: `${story.cwd}/.relay`, HOME: story.cwd, XDG_STATE_HOME: story.state };
  const child = spawn(process.execPath, [COMMAND, "send", "--lines", "--session", "ann"], { cwd: story.cwd, env });
  const answers = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  for (const text of ["first", "second"]) {
    child.stdin.write(`${JSON.stringify({ content: text, to: "bob" })}\n`);
    expect(JSON.parse((await answers.next()).value).messages[0].content).toBe(text);
  }
  child.stdin.end();
  expect(await once(child, "close")).toEqual([0, null]);
});
