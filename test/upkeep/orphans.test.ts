import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { expect, test } from "vitest";
import { endOrphan } from "../../src/upkeep/orphans.ts";
import { Story, tempDir } from "../support/cli.ts";
import { COMMAND } from "../support/paths.ts";

// against a hang only

const unshare = ["unshare", "--pid", "--fork", "--mount-proc"];

const canUnshare = spawnSync(unshare[0] ?? "", [...unshare.slice(1), "true"]).status === 0;

test.skipIf(!canUnshare)("a hung server is an orphan when its host is gone, and is ended; others are not", async () => {
  const base = tempDir();
  const script = `${base}/agent-relay.cjs`;
  fs.writeFileSync(script, `process.on("SIGTERM", () => {}); setInterval(() => {}, 1e6);`); // it does not listen
  fs.symlinkSync("/bin/bash", `${base}/first`); // process 1 of a container may have any name
  const node = process.execPath;
  const steps = [
    `sh -c '"${node}" "${script}" mcp & "${node}" "${script}" watch & sleep 0.3'`,
    `sh -c '"${node}" "${script}" mcp --of-a-host; :' & sleep 0.3`,
    ...["orphans", "orphans --clean", "orphans"].map((words) => `"${node}" "${COMMAND}" ${words} --session ann`),
  ];
  const [program = "", ...args] = [...unshare, `${base}/first`, "-c", steps.join("\n")];
  const env = { ...process.env, HOME: base, XDG_STATE_HOME: base };
  const { stdout, stderr } = spawnSync(program, args, { cwd: base, env, encoding: "utf8", timeout: 50_000 });
  const lines = stdout.trim().split("\n");
  expect(lines, stderr).toEqual([
    expect.stringMatching(/^orphan: pid \d+ .*agent-relay\.cjs mcp$/),
    expect.stringMatching(/^ended: pid \d+ .*agent-relay\.cjs mcp$/),
  ]);
  expect(stderr).toContain("No orphans\n");
});

test("a process that has its pid by now is not ended for an orphan", async () => {
  await endOrphan({ pid: process.pid, started: 7, command: "mcp" }); // we would not be here
});

test("a session that is only silent is no orphan", async () => {
  const story = Object.assign(new Story(), { now: Date.now() });
  await story.as("old", "register", "--pid", "0");
  story.now += 100 * 3_600_000;
  expect((await story.as("ann", "orphans")).err).toContain("No orphans");
});

test("sessions whose process has died are listed, and ended", async () => {
  const story = Object.assign(new Story(), { now: Date.now() });
  const child = spawn("sleep", ["60"]);
  await story.as("bob", "register", "--pid", String(child.pid));
  child.kill("SIGKILL");
  await once(child, "close");
  expect((await story.as("ann", "orphans")).out).toContain("orphan: session bob\n");
  expect((await story.as("ann", "orphans", "--clean")).out).toContain("ended: session bob\n");
  expect((await story.as("ann", "orphans")).out).not.toContain("bob");
});
