import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { expect, test } from "vitest";
import { tempDir } from "../../support/cli.ts";
import { COMMAND } from "../../support/paths.ts";

// Bugs that were met, each by its symptom.

test("a message that was sent while stdout was full was said to have failed by a bug, and was sent again", () => {
  const cwd = tempDir();
  if (!fs.existsSync("/dev/full")) return console.log("skipped: no /dev/full here");
  const env = { PATH: process.env.PATH, HOME: cwd, AGENT_RELAY_SESSION: "b" };
  const sending = `"$0" "$1" send hello > /dev/full`;
  const { status, stderr } = spawnSync("sh", ["-c", sending, process.execPath, COMMAND], {
    cwd,
    env,
    encoding: "utf8",
  });
  expect({ status, stderr }).toMatchObject({
    status: 7,
    stderr: expect.stringMatching(/the message was sent all the same, as msg-/),
  });
});
