import { expect, test } from "vitest";
import { Story, tempDir } from "../support/cli.ts";

test("completions and --version with --json printed no JSON", async () => {
  const story = new Story();
  expect(JSON.parse((await story.as("a", "completions", "bash", "--json")).out).script).toContain(" -F _agent_relay");
  expect(JSON.parse((await story.as("a", "--version", "--json")).out)).toEqual({ version: expect.any(String) });
});

test("a working folder that was removed was a crash, also with --dir", async () => {
  const base = tempDir();
  const story = new Story(`${base}/gone`);
  const { code, err } = await story.as("a", "claims");
  expect({ code, err }).toEqual({
    code: 3,
    err: `Cannot find the project: your working folder, ${base}/gone, is gone\nTry: cd to a folder that is there, or give --dir\n`,
  });
  expect((await story.as("a", "send", "hello", "--dir", `${base}/.relay`)).code).toBe(0);
});

test.each([
  [["who"], "agents", "agent-relay agents"],
  [["ps"], "agents", "agent-relay agents"],
  [["tasks", "--json"], "task list", "agent-relay task list --json"],
  [["msg", "it's me"], "send", `agent-relay send 'it'\\''s me'`],
  [["sned", "hi"], "send", "agent-relay send hi"],
  [["foo"], undefined, "agent-relay help"],
  [["xyzzy"], undefined, "agent-relay help"],
] as const)(
  "the verb %j was taken for one that only looks like it, or the advice had no verb",
  async (args, meant, next) => {
    const { code, err } = await new Story().as("a", ...args);
    expect(code).toBe(2);
    const said = args.includes("--json" as never) ? JSON.parse(err).error : undefined;
    const message = said?.message ?? err.split("\n")[0];
    if (meant === undefined) expect(message).not.toContain("did you mean");
    else expect(message).toContain(`did you mean ${meant}?`);
    expect(said?.next ?? err.trimEnd().split("\n").at(-1)?.replace("Try: ", "")).toBe(next);
  },
);

test("a flag of a verb before the verb, and a text that begins with a dash, are answered by the command that works", async () => {
  const story = new Story();
  await story.as("bob", "register");
  const early = await story.as("a", "--to", "bob", "send", "two words");
  expect(early.err).toBe(`Cannot run "--to": a verb comes first\nTry: agent-relay send --to bob 'two words'\n`);
  expect((await story.as("a", "--session", "c", "send", "--to", "bob", "hi")).code).toBe(0);
  const dash = await story.as("a", "send", "-hello");
  expect(dash.err).toContain("or if it is text: agent-relay send -- -hello");
  expect((await story.as("a", "send", "--", "-hello")).code).toBe(0);
  expect((await story.as("x", "inbox", "--session", "z")).err, "nothing is near").not.toContain("did you mean");
});

test.each([
  ["claim", "src", "--ttl", "abc"],
  ["inbox", "--limit", "0"],
  ["send", "--deadline", "abc", "x"],
  ["claim", "--resource", "port:80"],
  ["register", "--name", "two words"],
  ["activity", "--at", "19:26"],
  ["inbox", "--dir", ""],
])("the advice after %s %s had no verb: agent-relay  --help", async (...args) => {
  const { code, err } = await new Story().as("a", ...args);
  expect(code).toBe(2);
  expect(err).not.toContain("agent-relay  --help");
  const [, ...words] = /^Try: agent-relay (.*)$/m.exec(err)?.[0].split(" ") ?? [];
  if (words.includes("--help")) expect(words.slice(0, 3)).toEqual(["agent-relay", args[0], "--help"]);
});
