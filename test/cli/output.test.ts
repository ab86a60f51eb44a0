import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { expect, test } from "vitest";
import { tempDir } from "../support/cli.ts";
import { environment, run, shell } from "../support/command-process.ts";
import { COMMAND } from "../support/paths.ts";

test("a reader that closed its pipe gets no error, and what it did not take stays unread", async () => {
  const cwd = tempDir();
  run(cwd, "b", ["register"]);
  run(cwd, "a", ["send", "--to", "b", "hello"]);
  const child = spawn(process.execPath, [COMMAND, "inbox"], { cwd, env: environment(cwd, "b") });
  child.stdout.destroy(); // before the command can have started to write
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  expect(await once(child, "close")).toEqual([0, null]);
  expect(errors).toBe("");
  expect(run(cwd, "b", ["unread"]).stdout).toBe("1\n");
  expect(run(cwd, "b", ["inbox"]).stdout).toContain("hello");
});

test("a full disk behind stdout marks nothing", () => {
  const cwd = tempDir();
  run(cwd, "b", ["register"]);
  run(cwd, "a", ["send", "--to", "b", "hello"]);
  if (!fs.existsSync("/dev/full")) return console.log("skipped: no /dev/full here");
  expect(shell(cwd, "b", "$relay inbox > /dev/full").status).toBe(7);
  expect(run(cwd, "b", ["unread"]).stdout).toBe("1\n");
});
