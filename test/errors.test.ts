import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { tempDir } from "./support/cli.ts";
import { COMMAND } from "./support/paths.ts";

// Bugs that were met, each by its symptom.

test("an error of ours that another bundle of the command threw was called a bug", () => {
  const cwd = tempDir();
  const tooMuch = `head -c 9000000 /dev/zero | tr '\\0' x | "$0" "$1" send -`;
  const env = { PATH: process.env.PATH, HOME: cwd, AGENT_RELAY_SESSION: "b" };
  const { status, stderr } = spawnSync("sh", ["-c", tooMuch, process.execPath, COMMAND], {
    cwd,
    env,
    encoding: "utf8",
  });
  expect({ status, stderr }).toMatchObject({ status: 7, stderr: expect.stringMatching(/^Cannot read more than/) });
});
