import { expect, test } from "vitest";
import { Story, tempDir } from "../support/cli.ts";

test("completions and --version with --json printed no JSON", async () => {
  const story = new Story();
  expect(JSON.parse((await story.as("a", "completions", "bash", "--json")).out).script).toContain("complete -F");
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
