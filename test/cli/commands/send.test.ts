import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { expect, test } from "vitest";
import { tempDir } from "../../support/cli.ts";
import { environment, run } from "../../support/command-process.ts";
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
    stderr: expect.stringMatching(/the message was sent all the same, as [0-9a-z]{6}\n/),
  });
});

test("a text in another encoding was sent as U+FFFD and NULs, with success", () => {
  const cwd = tempDir();
  run(cwd, "b", ["register"]);
  const text = "grüße, 日本";
  const utf16 = Buffer.from(`\ufeff${text}`, "utf16le");
  const good = [Buffer.from(text), Buffer.from(`\ufeff${text}`), utf16, Buffer.from(utf16).swap16()];
  const bad = [Buffer.from(text, "utf16le"), Buffer.from("grüße", "latin1"), Buffer.from([0x68, 0x69, 0xff])];
  for (const bytes of good) {
    fs.writeFileSync(`${cwd}/text`, bytes);
    for (const args of [
      ["send", "--to", "b", "--file", "text"],
      ["send", "--to", "b", "-"],
    ]) {
      const { status } = spawnSync(process.execPath, [COMMAND, ...args], {
        cwd,
        env: environment(cwd, "a"),
        input: bytes,
      });
      expect(status).toBe(0);
    }
  }
  const { items } = JSON.parse(run(cwd, "b", ["inbox", "--json", "--limit", "20"]).stdout);
  const got: string[] = items.map(({ message }: { message: { content: string } }) => message.content);
  expect(got).toEqual(Array(8).fill(text));
  for (const bytes of bad) {
    fs.writeFileSync(`${cwd}/text`, bytes);
    const { status, stderr } = run(cwd, "a", ["send", "--to", "b", "--file", "text"]);
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining("Cannot read the text: it is not UTF-8\nTry: convert it: iconv"),
    ]);
  }
  expect(run(cwd, "b", ["unread"]).stdout).toBe("0\n");
});
