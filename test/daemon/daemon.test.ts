import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { runChild } from "../../src/daemon/child.ts";
import { asBegun, DAEMON_LIMITS, type DaemonRecord, decideRun } from "../../src/daemon/limits.ts";
import { RelayError } from "../../src/errors.ts";
import { HOSTS } from "../../src/hosts/hosts.ts";
import { PROMPT } from "../../src/hosts/prompts.ts";
import { Relay } from "../../src/index.ts";
import { liveness, place } from "../../src/machine/process.ts";
import { unitFor } from "../../src/machine/service-unit.ts";
import { iso } from "../../src/time.ts";
import { Story, tempDir } from "../support/cli.ts";
import { COMMAND } from "../support/paths.ts";

const NOON = Date.parse("2026-03-01T12:00:00Z");
const RECORD: DaemonRecord = {
  ...{ session_id: "s", command: ["x"], pid: 1, place: "here", started_at: iso(NOON) },
  ...{ day: "2026-03-01", runs: 3, last_at: iso(NOON - 100_000), last_took_ms: 10_000 },
};

describe("whether to start", () => {
  const at = (now: number, record: Partial<DaemonRecord> = {}, more = {}) =>
    decideRun({ ...RECORD, ...record }, DAEMON_LIMITS, { fresh: 1, since: now, isStopped: false, now, ...more });

  test("for new mail, at most once in the cool-down, and so often a day", () => {
    expect(at(NOON)).toEqual({ isGo: true });
    expect(at(NOON - 31_000)).toEqual({ isGo: false, why: "it ran just now", wait: 1000 });
    expect(at(NOON, { runs: 50 })).toMatchObject({ why: "it ran 50 times today" });
    expect(at(NOON + 86_400_000, { runs: 50 }), "on another day").toEqual({ isGo: true });
    expect(asBegun({ ...RECORD, last_code: 1 }, NOON)).toEqual({
      ...RECORD,
      runs: 4,
      last_at: iso(NOON),
      last_took_ms: undefined,
    });
    expect(asBegun(RECORD, NOON + 86_400_000)).toMatchObject({ day: "2026-03-02", runs: 1 });
  });

  test("not where nothing new waits, nor with the kill switch set", () => {
    expect(at(NOON, {}, { fresh: 0 })).toMatchObject({ why: "nothing new waits" });
    expect(at(NOON, {}, { isStopped: true })).toMatchObject({ why: "the kill switch is set", wait: 1000 });
  });
});

test("the host's own headless mode is started with its permission prompts on, and with no text of a message", () => {
  for (const host of HOSTS) {
    const words = host.headless(PROMPT);
    expect(host.process.commands).toContain(words[0]);
    expect(words.join(" ")).not.toMatch(/--(dangerously|yolo|allow-all|full-auto|bypass)|skip-permissions/);
  }
});

const PLACE = { home: "/home/ann", path: "/home/ann/.nvm/bin:/usr/bin" };

test("a unit of systemd or launchd says each word as it is", () => {
  const words = ["/a b/node", "run", 'say "$HOME" 50% <&>', "x\\y"];
  const unit = unitFor("linux", PLACE, "s/1", "/w", words);
  expect(unit.file).toMatch(/^\/home\/ann\/\.config\/systemd\/user\/agent-relay-s-1-\w+\.service$/);
  expect(unit.text).toContain('ExecStart="/a b/node" "run" "say \\"$$HOME\\" 50%% <&>" "x\\\\y"\n');
  const agent = unitFor("darwin", PLACE, "s1", "/w", words);
  expect(agent.text).toContain('<string>say "$HOME" 50% &lt;&amp;&gt;</string>');
  expect(unit.text, "programs of nvm are found").toContain('Environment="PATH=/home/ann/.nvm/bin:/usr/bin"\n');
  expect(agent.text).toContain("<key>PATH</key><string>/home/ann/.nvm/bin:/usr/bin</string>");
  expect(() => unitFor("linux", PLACE, "s1", "/w", ["sh", "-c", "a\nb"])).toThrow("line end");
  expect(unitFor("linux", PLACE, "s1", "/other", words).file).not.toBe(unitFor("linux", PLACE, "s1", "/w", words).file);
});

const verify = (file: string) =>
  spawnSync("systemd-analyze", ["verify", "--user", file], {
    encoding: "utf8",
    env: { ...process.env, XDG_RUNTIME_DIR: path.dirname(file) },
  });

test.skipIf(verify("/nothing.service").error !== undefined)(
  "a unit is one that systemd takes, whatever is in it",
  () => {
    const dir = `${tempDir()}/my project %x`;
    fs.mkdirSync(dir);
    const unit = unitFor("linux", PLACE, "s1", dir, ["/bin/sh", "-c", 'echo "$HOME" 50% <&>; \\x']);
    const file = `${dir}/${path.basename(unit.file)}`;
    fs.writeFileSync(file, unit.text);
    expect(verify(file)).toMatchObject({ status: 0, stderr: "" });
    fs.writeFileSync(file, unit.text.replace(/WorkingDirectory=.*/, "WorkingDirectory=relative"));
    expect(verify(file).status, "what it does not take is told").not.toBe(0);
  },
);

/** A project with a daemon for session "night" that runs a program of ours. */
class Night {
  readonly story = Object.assign(new Story(), { now: Date.now() });
  readonly home = tempDir();
  readonly bob = new Relay(`${this.story.cwd}/.relay`, { session: "bob", durability: "process" });

  /** `program` is JavaScript; it is run for each start. */
  start(program: string, ...flags: string[]): ChildProcess {
    const child = spawn(
      process.execPath,
      [
        COMMAND,
        "daemon",
        "run",
        "--session",
        "night",
        "--agent",
        "claude",
        ...flags,
        "--",
        process.execPath,
        "-e",
        program,
      ],
      {
        cwd: this.story.cwd,
        env: { ...process.env, HOME: this.home, XDG_STATE_HOME: this.home },
        stdio: ["ignore", "ignore", "pipe"],
      },
    );
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  }

  log(): string {
    const file = `${this.home}/agent-relay/daemon-night.log`;
    return fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
  }

  says(pattern: RegExp): Promise<void> {
    return expect.poll(() => this.log(), { interval: 10 }).toMatch(pattern);
  }
}

const READS = `
  const { execFileSync } = require("node:child_process");
  console.log("started as " + process.env.AGENT_RELAY_SESSION);
  console.log(execFileSync(process.execPath, [${JSON.stringify(COMMAND)}, "inbox"]).toString());`;

test("starts the command for mail, once for what waits, as that session; an interrupt ends it", async () => {
  const night = new Night();
  await night.bob.agents.register();
  const daemon = night.start(READS, "--cool-down", "1ms");
  await night.says(/watches the inbox of night/);
  await night.bob.send("first $(touch pwned) `touch pwned`", { to: "night" });
  await night.says(/ended with 0/);
  expect(night.log()).toMatch(
    /starts, for 1 new messages \(run 1 of 50 today\)\nstarted as night\n[\s\S]*first \$\(touch pwned\)/,
  );
  await night.bob.send("second", { to: "night" });
  await night.says(/run 2 of 50[\s\S]*second[\s\S]*ended with 0/);
  expect((await night.story.as("ann", "daemon", "status")).out).toMatch(
    /^night: runs \(pid \d+\), 2 runs today, last .* ended with 0: /,
  );
  daemon.kill("SIGINT");
  expect(await once(daemon, "close")).toEqual([130, null]);
  expect((await night.story.as("ann", "daemon", "status")).out).toContain("night: does not run, 2 runs today");
  expect(fs.existsSync(`${night.story.cwd}/pwned`)).toBe(false);
});

test("what an agent left unread starts it no second time", async () => {
  const night = new Night();
  await night.bob.send("not read", { to: "night", keep: true });
  night.start('console.log("looked away")', "--cool-down", "1ms");
  await night.says(/ended with 0/);
  await night.bob.send("news", { to: "night" });
  await night.says(/run 2 of 50/);
  expect(night.log().match(/starts, for/g)).toHaveLength(2);
});

test("a run that takes too long is ended, with all that it started", async () => {
  const night = new Night();
  await night.bob.send("hello", { to: "night", keep: true });
  const sleeper = `const { pid } = require("node:child_process").spawn("sleep", ["600"]); console.log("child " + pid); setInterval(() => {}, 1e6)`;
  night.start(sleeper, "--limit", "500ms");
  await night.says(/ended with 143 after \d+ s, which was too long/);
  const child = Number(/child (\d+)/.exec(night.log())?.[1]);
  await expect.poll(() => liveness({ pid: child, started: undefined, place: place() })).toBe("dead");
});

test("a session has one daemon; the kill switch holds it, and its end lets it go on", async () => {
  const night = new Night();
  await night.bob.agents.register();
  expect((await night.story.as("ann", "daemon", "stop")).out).toContain(`${night.story.cwd}/.relay/STOP is there`);
  const daemon = night.start('console.log("ran")', "--cool-down", "1ms");
  await night.says(/watches/);
  const second = night.start("");
  expect(await once(second, "close")).toEqual([4, null]);
  await night.bob.send("hello", { to: "night" });
  await night.says(/1 new messages wait, but the kill switch is set/);
  expect((await night.story.as("ann", "daemon", "status")).out).toContain("The kill switch is set");
  await night.story.as("ann", "daemon", "go");
  await night.says(/\nran\n/);
  daemon.kill("SIGTERM");
  await once(daemon, "close");
});

test("a daemon that was killed in the middle of a run leaves one run at a time: the next waits for it", async () => {
  const night = new Night();
  const held = `
    const fs = require("node:fs");
    fs.appendFileSync("runs", "begin\\n");
    const look = setInterval(() => {
      if (!fs.existsSync("go")) return;
      clearInterval(look);
      fs.appendFileSync("runs", "end\\n");
    }, 10);`;
  const runs = () =>
    fs.existsSync(`${night.story.cwd}/runs`) ? fs.readFileSync(`${night.story.cwd}/runs`, "utf8") : "";
  await night.bob.send("hello", { to: "night", keep: true });
  const first = night.start(held, "--cool-down", "1ms");
  await expect.poll(runs).toBe("begin\n");
  first.kill("SIGKILL");
  await once(first, "close");
  night.start(held, "--cool-down", "1ms");
  await night.says(/waits for the run of the daemon before/);
  expect(runs()).toBe("begin\n");
  fs.writeFileSync(`${night.story.cwd}/go`, "");
  await expect.poll(runs).toBe("begin\nend\nbegin\nend\n");
});

test("after the machine was started anew, a daemon that ran before is in nobody's way", async () => {
  const night = new Night();
  const first = night.start("");
  await night.says(/watches/);
  first.kill("SIGKILL");
  await once(first, "close");
  const record = `${night.story.cwd}/.relay/daemons/night.json`;
  fs.writeFileSync(record, fs.readFileSync(record, "utf8").replace(/"place": "[^"]*"/, '"place": "other.1"'));
  expect(await once(night.start(""), "close"), "it may be another machine's").toEqual([4, null]);
  const long = new Date(Date.now() - 120_000);
  fs.utimesSync(`${night.story.cwd}/.relay/daemons/night.alive`, long, long);
  night.start("");
  await expect.poll(() => night.log().match(/watches/g)?.length).toBe(2);
});

test("a program that is not there is a run that failed, and the daemon goes on; it is not installed", async () => {
  const night = new Night();
  await night.bob.send("hello", { to: "night", keep: true });
  const args = ["--session", "night", "--agent", "claude", "--cool-down", "1ms", "--", "./not-there"];
  const env = { ...process.env, HOME: night.home, XDG_STATE_HOME: night.home };
  const daemon = spawn(process.execPath, [COMMAND, "daemon", "run", ...args], { cwd: night.story.cwd, env });
  onTestFinished(() => void daemon.kill("SIGKILL"));
  await night.says(/Cannot start "\.\/not-there"[^\n]*\n[^\n]*ended with 127/);
  fs.writeFileSync(`${night.story.cwd}/not-there`, "#!/bin/sh\necho here now\n", { mode: 0o755 });
  await night.bob.send("again", { to: "night" });
  await night.says(/here now/);
  fs.rmSync(`${night.story.cwd}/not-there`);
  expect(await night.story.as("ann", "daemon", "install", ...args)).toMatchObject({
    code: 3,
    err: expect.stringContaining('there is no program "./not-there"'),
  });
});

test("a command that is not there, and one for nobody knows whom, are told of", async () => {
  const story = new Story();
  expect(await story.as("ann", "daemon", "run")).toMatchObject({
    code: 2,
    err: expect.stringContaining("--agent claude"),
  });
  expect((await story.as("ann", "daemon", "status")).err).toContain("No daemon was ever run here");
  expect((await story.as("ann", "daemon", "uninstall")).code).toBe(3);
});

test("a run that its daemon could not note had begun all the same, and the next daemon started another beside it", async () => {
  const cwd = tempDir();
  const run = { timeLimit: 60_000, signal: new AbortController().signal };
  const command = [process.execPath, "-e", 'require("node:fs").writeFileSync("ran", "")'];
  const options = { cwd, env: process.env, log: `${cwd}/log` };
  const noted: number[] = [];
  const failing = async () => {
    throw new RelayError("limit", "Cannot note it");
  };
  await expect(runChild(command, { ...options, run: { ...run, onStart: failing } })).rejects.toThrow("Cannot note it");
  expect(fs.existsSync(`${cwd}/ran`)).toBe(false);
  const onStart = async (pid: number) => void noted.push(pid);
  expect(await runChild(command, { ...options, run: { ...run, onStart } })).toEqual({ code: 0, wasCut: false });
  expect([fs.existsSync(`${cwd}/ran`), noted.length]).toEqual([true, 1]);
});
