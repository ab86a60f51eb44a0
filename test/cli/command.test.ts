import fs from "node:fs";
import { expect, test } from "vitest";
import { Story } from "../support/cli.ts";

test.each([
  { args: ["inbox", "gemini-1"], code: 2 },
  { args: ["unread", "gemini-1"], code: 2 },
  { args: ["send", "--file", "n.txt", "please read"], code: 2 },
  { args: ["send", "--file", "no-such-file"], code: 3 },
  { args: ["--bogus"], code: 2 },
  { args: ["help", "constructor"], code: 2 },
  { args: ["send", "--session", "", "hi"], code: 2 },
  { args: ["register", "--pid", "999999"], code: 3 },
  { args: ["send", "--thread", "my topic", "hi"], code: 3 },
])("$args was taken as something else", async ({ args, code }) => {
  const ran = await new Story().as("a", ...args);
  expect({ ...ran, err: "" }).toEqual({ code, out: "", err: "" });
  expect(ran.err).toMatch(/^Cannot .*\n(Try: .*\n)?$/);
});

test("a text that begins with a dash was an unknown option, and nothing said how to send it", async () => {
  const story = new Story();
  const said: [string[], string][] = [
    [["send", "- item one"], "agent-relay send -- '- item one'"],
    [["append", "log.md", "- it's done"], "agent-relay append log.md -- '- it'\\''s done'"],
    [["task", "note", "T", "- did it", "--session", "a"], "agent-relay task note T --session a -- '- did it'"],
  ];
  for (const [args, next] of said) expect((await story.as("a", ...args)).err).toContain(`Try: ${next}\n`);
});

test.each([
  { args: ["wait", "--released", "--timeout", "5m"] },
  { args: ["claim", "r2", "--resource", "--ttl", "1h"] },
  { args: ["claim", "--reason", "--shared", "r9"] },
  { args: ["task", "add", "x", "--file", "-p", "3"] },
])("$args, where a variable was empty, took the next option for its value", async ({ args }) => {
  const story = new Story();
  const { code, err } = await story.as("a", ...args);
  expect(code).toBe(2);
  expect(err).toMatch(/wants a value, and -\S+ follows it\nTry: /);
  expect(fs.existsSync(`${story.cwd}/.relay`)).toBe(false);
});

test("task alone said (outputHelp), and errors named no next command", async () => {
  const story = new Story();
  expect((await story.as("a", "task")).out).toContain("Share work");
  for (const args of [["release"], ["check"], ["release", "--all", "x"], ["task", "list", "--ready", "--all"]])
    expect((await story.as("a", ...args)).err, args.join(" ")).toMatch(/\nTry: /);
  expect((await story.as("a", "wait", "--list", "--cancel", "x")).code).toBe(2);
});

test("help of a part of a verb is asked for before or behind it, and the part is named in what is wrong", async () => {
  const story = new Story();
  const help = await story.as("a", "task", "add", "--help");
  expect(help).toMatchObject({ code: 0, out: expect.stringMatching(/^Usage: agent-relay task add /) });
  expect(await story.as("a", "task", "-h", "add")).toEqual(help);
  expect(await story.as("a", "task", "help", "add")).toMatchObject({ code: 0, err: "" });
  expect((await story.as("a", "task", "add", "--bogus")).err).toBe(
    "Cannot run \"agent-relay task add\": unknown option '--bogus'\nTry: agent-relay task add --help\n",
  );
});
