import fs from "node:fs";
import { expect, test } from "vitest";
import { Story } from "../support/cli.ts";

test("log said Logged when nothing could be written", async () => {
  const story = new Story();
  await story.as("a", "send", "hello");
  const [day = ""] = fs.readdirSync(`${story.cwd}/.relay/activity`);
  fs.rmSync(`${story.cwd}/.relay/activity/${day}`);
  fs.symlinkSync("/dev/full", `${story.cwd}/.relay/activity/${day}`);
  const { code, out, err } = await story.as("a", "log", "precious");
  expect({ code: code > 0, out }).toEqual({ code: true, out: "" });
  expect(err).toMatch(/^Cannot write .*\n/);
});
