import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { expect, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import { tempDir } from "../support/cli.ts";
import { COMMAND } from "../support/paths.ts";
import { relay } from "../support/relay-of.ts";

// Bugs that were met, each by its symptom.

test("a reader that pauses over 5 s lost its right to show, and two readers showed the same", async () => {
  const cwd = tempDir();
  const env = { PATH: process.env.PATH, HOME: cwd, AGENT_RELAY_SESSION: "b" };
  await relay(`${cwd}/.relay`, "b").agents.register();
  for (let n = 0; n < 20; n++) await relay(`${cwd}/.relay`, "a").send("x".repeat(60_000), { to: "b" });
  const paused = spawn(process.execPath, [COMMAND, "inbox", "--json", "--limit", "20"], { cwd, env });
  await once(paused.stdout, "readable"); // and no more is taken: the pipe is full
  const other = spawnSync(process.execPath, [COMMAND, "inbox", "--json"], { cwd, env, encoding: "utf8" });
  expect(other.stderr).toContain("is showing it");
  const parts: Buffer[] = [];
  for await (const part of paused.stdout) parts.push(part);
  expect(JSON.parse(Buffer.concat(parts).toString()).items).toHaveLength(20);
});

test("a show lease that can be neither read nor set aside was asked for without a pause", async () => {
  const dir = tempDir();
  const notices: unknown[] = [];
  await relay(dir, "a").send("hi", { to: "b", keep: true });
  await relay(dir, "b").agents.register();
  fs.mkdirSync(`${dir}/shows`);
  fs.writeFileSync(`${dir}/shows/b.json`, "junk");
  fs.rmSync(`${dir}/quarantine`, { recursive: true, force: true });
  fs.symlinkSync("/nowhere", `${dir}/quarantine`);
  const looking = relay(dir, "b", { onNotice: (notice: unknown) => notices.push(notice) }).inbox({ patienceMs: 100 });
  await expect(looking).rejects.toBeInstanceOf(RelayError);
  expect(notices.length).toBeLessThan(20);
});
