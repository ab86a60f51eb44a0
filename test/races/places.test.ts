import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { type Agent, Relay } from "../../src/index.ts";
import { newRelayDir, start, type Worker } from "./workers.ts";

interface Said {
  readonly host?: string;
  readonly session?: string;
  readonly agent?: string;
  readonly pid: number;
}

test.skipIf(process.platform === "win32")("gemini inside codex inside claude are three sessions", async () => {
  const dir = newRelayDir();
  const folder = path.dirname(dir);
  const agents = [
    { agent: "claude", env: { CLAUDECODE: "1", CLAUDE_CODE_SESSION_ID: "5c1a-claude" } },
    { agent: "codex", env: { CODEX_THREAD_ID: "7d2b-codex" } },
    { agent: "gemini", env: { GEMINI_CLI: "1" } },
  ].map((each) => ({ ...each, command: path.join(folder, each.agent) }));
  for (const { command } of agents) fs.symlinkSync(process.execPath, command);

  const output = execFileSync(
    path.join(folder, "claude"),
    [path.join(import.meta.dirname, "host.mjs"), JSON.stringify(agents), folder],
    { env: { PATH: process.env.PATH, HOME: folder }, encoding: "utf8" },
  );

  const said: Said[] = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).note);
  const pidOf = (name: string) => said.find((each) => each.host === name)?.pid;
  expect(said.filter((each) => each.host === undefined)).toEqual([
    { session: "5c1a-claude", agent: "claude", pid: pidOf("claude") },
    { session: "7d2b-codex", agent: "codex", pid: pidOf("codex") },
    { session: expect.stringMatching(/^gemini-[0-9a-z]+-[0-9a-z]+$/), agent: "gemini", pid: pidOf("gemini") },
  ]);
  const known = await new Relay(dir).agents.list();
  expect(known.map((agent) => agent.agent_id).toSorted()).toEqual(["claude", "codex", "gemini"]);
  expect(
    known.map((agent) => agent.presence),
    "their processes have ended",
  ).toEqual(["gone", "gone", "gone"]);
});

const UNSHARE = [
  ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"],
  ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"],
].find(([program = "", ...args]) => spawnSync(program, [...args, "true"]).status === 0);
if (!UNSHARE) console.log("skipped: agents in another pid namespace, because unshare is refused here");

test.skipIf(!UNSHARE)("an agent in another pid namespace is not taken for dead, in either direction", async () => {
  const dir = newRelayDir();
  const outside = await start("agent.mjs", { dir, session: "outside" });
  const inside = await start(
    "agent.mjs",
    { dir, session: "inside" },
    { command: [...(UNSHARE ?? []), process.execPath] },
  );
  const there = await inside.ask<Agent>("registerOwnPid");
  const here = await outside.ask<Agent>("registerOwnPid");
  expect(there.pid, "the pid that it sees").toBeLessThan(10);
  expect(there.place).not.toBe(here.place);
  expect(there.pid).not.toBe(here.pid);

  const ended = spawnSync(process.execPath, ["--version"]).pid;
  await new Relay(dir, { session: "ended", pid: ended }).agents.register();
  expect(await reaped(inside), "seen from inside").toEqual([]);
  expect(await presences(inside)).toEqual({ inside: "active", outside: "active", ended: "active" });
  expect(await reaped(outside), "seen from outside: only what ended there").toEqual(["ended"]);
  expect(await presences(outside)).toEqual({ inside: "active", outside: "active" });
});

async function reaped(worker: Worker): Promise<string[]> {
  return (await worker.ask<Agent[]>("cleanupDead")).map((agent) => agent.session_id);
}

async function presences(worker: Worker): Promise<object> {
  const agents = await worker.ask<{ session_id: string; presence: string }[]>("agents");
  return Object.fromEntries(agents.map((agent) => [agent.session_id, agent.presence]));
}
