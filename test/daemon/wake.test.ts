import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { decideRun } from "../../src/daemon/limits.ts";
import { isWorthWaking, WAKE_LIMITS } from "../../src/daemon/wake.ts";
import { NUDGE } from "../../src/hosts/prompts.ts";
import { Relay } from "../../src/index.ts";
import { iso } from "../../src/time.ts";
import { tempDir } from "../support/cli.ts";
import { COMMAND, LAUNCHER } from "../support/paths.ts";

/** A project in which ann's agent sits idle, and bob writes to it. */
class Idle {
  readonly home = tempDir();
  readonly cwd = `${this.home}/project`;
  readonly ann: Relay;
  readonly bob: Relay;

  private constructor() {
    fs.mkdirSync(this.cwd);
    const options = { durability: "process" } as const;
    this.ann = new Relay(`${this.cwd}/.relay`, { session: "ann", agent: "claude", ...options });
    this.bob = new Relay(`${this.cwd}/.relay`, { session: "bob", ...options });
  }

  static async begin(): Promise<Idle> {
    const idle = new Idle();
    await idle.ann.agents.register({ pid: process.pid });
    await idle.bob.agents.register();
    return idle;
  }

  run(program: string, args: readonly string[], env = {}): ChildProcess {
    const { CLAUDE_CODE_SESSION_ID: _, ...own } = process.env;
    const child = spawn(program, args, {
      cwd: this.cwd,
      env: { ...own, HOME: this.home, XDG_STATE_HOME: this.home, ...env },
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  }

  /** The hook that a host keeps in the background. */
  waiter(env = { CLAUDE_CODE_ENTRYPOINT: "cli" } as Record<string, string>): ChildProcess {
    const child = this.run(LAUNCHER, ["claude", "Wake"], env);
    child.stdin?.on("error", () => {}); // one that ends at once reads nothing
    child.stdin?.end(JSON.stringify({ session_id: "ann", cwd: this.cwd, hook_event_name: "Stop" }));
    return child;
  }

  /** Resolves when somebody watches for ann's mail. */
  async isWatched(): Promise<void> {
    const record = `${this.cwd}/.relay/daemons/ann.json`;
    const pid = () => (fs.existsSync(record) ? JSON.parse(fs.readFileSync(record, "utf8")).pid : 0);
    await expect.poll(pid, { interval: 10 }).toBeGreaterThan(0);
  }
}

async function endOf(child: ChildProcess): Promise<{ code: number; said: string }> {
  let said = "";
  child.stderr?.on("data", (part) => (said += part));
  const [code] = await once(child, "close");
  return { code, said };
}

test("an idle agent is woken for mail to it alone, once for each message, with nothing of its text", async () => {
  const idle = await Idle.begin();
  const first = endOf(idle.waiter());
  await idle.isWatched();
  await idle.bob.send("for everyone");
  await idle.bob.send("SECRET for you", { to: "ann" });
  expect(await first).toEqual({ code: 2, said: `${NUDGE}\n` });
  const second = idle.waiter();
  const ended = endOf(second);
  await idle.isWatched();
  const { id } = await idle.bob.send("another", { to: "ann" });
  expect(await ended).toMatchObject({ code: 2 });
  expect(fs.readdirSync(`${idle.cwd}/.relay/hooks/ann`)).toContain(`nudged.${id}`);
  expect((await idle.ann.messages.unread()).messages.length, "it is woken, and has read nothing").toBe(3);
});

test("mail that the agent sees by itself within two seconds wakes it not", () => {
  const now = 1_000_000;
  const found = { fresh: 1, since: now - 1500, isStopped: false, now };
  const record = { session_id: "s", command: [], pid: 1, place: "", started_at: iso(0), day: "1970-01-01", runs: 0 };
  expect(decideRun(record, WAKE_LIMITS, found)).toEqual({ isGo: false, why: "it came just now", wait: 500 });
  expect(decideRun(record, WAKE_LIMITS, { ...found, since: now - 2000 })).toEqual({ isGo: true });
  expect(decideRun({ ...record, last_at: iso(now - 5000) }, WAKE_LIMITS, { ...found, since: 0 })).toMatchObject({
    isGo: false,
    wait: 5000,
  });
});

test("a broadcast is worth no turn of the model, unless it asks for something", async () => {
  const idle = await Idle.begin();
  await idle.bob.send("hello");
  await idle.bob.send("who knows?", { kind: "question" });
  await idle.bob.send("for ann", { to: "ann" });
  expect(
    (await idle.ann.messages.unread()).messages.filter(isWorthWaking("ann")).map(({ content }) => content),
  ).toEqual(["who knows?", "for ann"]);
});

test("a session has one waiter: those of its later turns end at once", async () => {
  const idle = await Idle.begin();
  const first = idle.waiter();
  await idle.isWatched();
  expect(await endOf(idle.waiter())).toEqual({ code: 0, said: "" });
  first.kill();
  expect(await endOf(first)).toEqual({ code: 0, said: "" });
  const third = idle.waiter();
  await idle.isWatched();
  third.kill("SIGKILL");
  await once(third, "close");
  const fourth = idle.waiter();
  const ended = endOf(fourth);
  await idle.bob.send("for you", { to: "ann" });
  expect(await ended, "a killed one holds nobody up").toMatchObject({ code: 2 });
});

test("nobody waits where nobody sits before the host, where there is no relay, nor for a payload that is none", async () => {
  const idle = await Idle.begin();
  await idle.bob.send("for you", { to: "ann" });
  for (const env of [
    { CLAUDE_CODE_ENTRYPOINT: "cli", CLAUDE_CODE_SESSION_ATTENDED: "0" },
    { CLAUDE_CODE_ENTRYPOINT: "sdk-cli" },
    { CLAUDE_CODE_ENTRYPOINT: "" },
    { CLAUDE_CODE_ENTRYPOINT: "cli", AGENT_RELAY_DIR: `${idle.home}/nothing` },
  ])
    expect(await endOf(idle.waiter(env)), JSON.stringify(env)).toEqual({ code: 0, said: "" });
  const broken = idle.run(LAUNCHER, ["claude", "Wake"], { CLAUDE_CODE_ENTRYPOINT: "cli" });
  broken.stdin?.end("no json");
  expect(await endOf(broken)).toEqual({ code: 0, said: "" });
  expect(fs.readFileSync(`${idle.home}/agent-relay/hook.log`, "utf8")).toContain("Wake: ");
});

test("a waiter ends when its host is gone", async () => {
  const idle = await Idle.begin();
  const host = idle.run("sh", ["-c", `printf '%s' '{"session_id":"ann"}' | "${LAUNCHER}" claude Wake & wait`], {
    CLAUDE_CODE_ENTRYPOINT: "cli",
  });
  await idle.isWatched();
  host.kill("SIGKILL");
  const record = () => JSON.parse(fs.readFileSync(`${idle.cwd}/.relay/daemons/ann.json`, "utf8"));
  await expect.poll(() => record().pid, { interval: 100 }).toBe(0);
});

test("a daemon with --wake asks Codex to, by its own command, and never starts it", async () => {
  const idle = await Idle.begin();
  fs.writeFileSync(`${idle.home}/codex`, `#!/bin/sh\nprintf '%s|' "$@" >>"${idle.home}/asked"\n`, { mode: 0o755 });
  const env = { PATH: `${idle.home}:${process.env.PATH}` };
  const flags = ["daemon", "run", "--wake", "--session", "ann", "--agent", "codex"];
  const daemon = idle.run(process.execPath, [COMMAND, ...flags], env);
  await idle.isWatched();
  await idle.bob.send("$(touch pwned)", { to: "ann" });
  const asked = () => (fs.existsSync(`${idle.home}/asked`) ? fs.readFileSync(`${idle.home}/asked`, "utf8") : "");
  await expect.poll(asked).toBe(`queue|--thread|ann|--message|${NUDGE}|`);
  daemon.kill("SIGINT");
  expect(await endOf(daemon)).toMatchObject({ code: 130 });
  expect((await idle.bob.agents.list()).find(({ session_id }) => session_id === "ann")).toMatchObject({
    presence: "active",
    pid: process.pid,
  });
});

test("Claude Code is told by the socket that the registered process keeps, of that session only", async () => {
  const idle = await Idle.begin();
  const nudge = () =>
    endOf(idle.run(process.execPath, [COMMAND, "daemon", "nudge", "--session", "ann", "--agent", "claude"]));
  expect(await nudge()).toMatchObject({ code: 3, said: expect.stringContaining("agent-relay setup claude --wake") });
  const socket = `${idle.home}/claude.sock`;
  const heard: string[] = [];
  const server = net.createServer((one) => one.on("data", (part) => heard.push(part.toString())));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  fs.mkdirSync(`${idle.home}/.claude/sessions`, { recursive: true });
  const keep = (sessionId: string) =>
    fs.writeFileSync(
      `${idle.home}/.claude/sessions/${process.pid}.json`,
      JSON.stringify({ pid: process.pid, sessionId, messagingSocketPath: socket }),
    );
  keep("another");
  expect(await nudge()).toMatchObject({ code: 3 });
  keep("ann");
  expect(await nudge()).toMatchObject({ code: 0 });
  await expect
    .poll(() => heard.join(""))
    .toBe(`${JSON.stringify({ type: "user", message: { role: "user", content: NUDGE } })}\n`);
  server.close();
  fs.rmSync(socket, { force: true });
  expect(await nudge()).toMatchObject({ code: 1, said: expect.stringContaining("Cannot write to") });
});

test("who cannot be woken from outside is named, with what can be done", async () => {
  const idle = await Idle.begin();
  const flags = ["daemon", "run", "--wake", "--session", "ann", "--agent"];
  expect(await endOf(idle.run(process.execPath, [COMMAND, ...flags, "gemini"]))).toMatchObject({
    code: 2,
    said: expect.stringContaining("Cannot wake a session of gemini from outside"),
  });
  expect(await endOf(idle.run(process.execPath, [COMMAND, ...flags, "codex", "--", "true"]))).toMatchObject({
    code: 2,
    said: expect.stringContaining("Cannot start a command with --wake"),
  });
});
