import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { killAgent } from "../../src/upkeep/kill.ts";
import { Story, tempDir } from "../support/cli.ts";

const isLinux = process.platform === "linux";

/** A process of a program with that name. */
async function processCalled(name: string, script = "while :; do sleep 0.05; done"): Promise<ChildProcess> {
  const program = `${tempDir()}/${name}`;
  fs.symlinkSync("/bin/bash", program);
  const child = spawn(program, ["-c", `echo ready; ${script}`]);
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

async function project() {
  const dir = `${tempDir()}/.relay`;
  const as = (session: string, agent = "claude") => new Relay(dir, { session, agent, durability: "process" });
  const ann = as("ann");
  await ann.agents.register();
  return { dir, as, ann };
}

test.skipIf(!isLinux)("an agent is asked to end, and its unread mail is kept", async () => {
  const { as, ann } = await project();
  const child = await processCalled("claude");
  const bob = as("bob");
  await bob.agents.register({ pid: child.pid ?? 0 });
  await ann.send("for bob", { to: "bob" });
  const ended = once(child, "close");
  expect(await killAgent(ann, "bob")).toEqual({ session_id: "bob", pid: child.pid, has_ended: true, with_it: [] });
  expect(await ended).toEqual([null, "SIGTERM"]);
  await ann.admin.cleanupDead();
  await expect(killAgent(ann, "bob")).rejects.toMatchObject({ code: "not_found" });
  expect(await bob.messages.unreadCount()).toBe(1);
});

test.skipIf(!isLinux)("one that does not heed it is said to run on", async () => {
  const { as, ann } = await project();
  const child = await processCalled("claude", 'trap "" TERM; while :; do sleep 0.05; done');
  await as("bob").agents.register({ pid: child.pid ?? 0 });
  expect(await killAgent(ann, "bob")).toMatchObject({ has_ended: false });
});

test.skipIf(!isLinux)(
  "never a shell or a multiplexer, another agent's process, oneself, or what has started us",
  async () => {
    const { as, ann } = await project();
    const refused = async (session: string, why: RegExp) =>
      expect(await killAgent(ann, session).catch((error: unknown) => error), session).toMatchObject({
        code: "refused",
        message: expect.stringMatching(why),
      });
    await refused("ann", /that is you/);
    const shell = await processCalled("bash");
    await as("shell").agents.register({ pid: shell.pid ?? 0 });
    await refused("shell", /is "bash", and no process of claude/);
    const tmux = await processCalled("tmux");
    await as("mux", "codex").agents.register({ pid: tmux.pid ?? 0 });
    await refused("mux", /no process of codex/);
    const codex = await processCalled("codex");
    await as("other").agents.register({ pid: codex.pid ?? 0 });
    await refused("other", /no process of claude/);
    await as("pidless").agents.register({ pid: 0 });
    await refused("pidless", /not known which process/);
    expect([shell, tmux, codex].map(({ exitCode, signalCode }) => exitCode ?? signalCode)).toEqual([null, null, null]);
  },
);

test.skipIf(!isLinux)("a pid that another process has by now is not signalled", async () => {
  const { dir, as, ann } = await project();
  const child = await processCalled("claude");
  await as("bob").agents.register({ pid: child.pid ?? 0 });
  const record = `${dir}/agents/bob.json`;
  fs.writeFileSync(record, fs.readFileSync(record, "utf8").replace(/"pid_started": \d+/, '"pid_started": 7'));
  await expect(killAgent(ann, "bob")).rejects.toMatchObject({ code: "not_found" });
  fs.writeFileSync(record, fs.readFileSync(record, "utf8").replace(/"place": "[^"]*"/, '"place": "elsewhere.1"'));
  await expect(killAgent(ann, "bob")).rejects.toThrow("another machine");
  expect(child.exitCode ?? child.signalCode).toBeNull();
});

test.skipIf(!isLinux)(
  "a shell that calls itself an agent is none, and who shares a process is told to have ended too",
  async () => {
    const { as, ann } = await project();
    const shell = spawn("bash", ["-c", "exec -a claude bash -c 'read'"], { stdio: ["pipe", "ignore", "ignore"] });
    onTestFinished(() => void shell.kill("SIGKILL"));
    await expect.poll(() => fs.readFileSync(`/proc/${shell.pid}/cmdline`, "utf8")).toMatch(/^claude\0/);
    await as("shell").agents.register({ pid: shell.pid ?? 0 });
    await expect(killAgent(ann, "shell")).rejects.toMatchObject({ code: "refused" });
    expect(shell.exitCode ?? shell.signalCode).toBeNull();
    const child = await processCalled("claude");
    for (const session of ["one", "two"]) await as(session).agents.register({ pid: child.pid ?? 0 });
    expect(await killAgent(ann, "one")).toMatchObject({ has_ended: true, with_it: ["two"] });
  },
);

test.skipIf(!isLinux)("the command says what came of it, and who is not here", async () => {
  const story = Object.assign(new Story(), { now: Date.now() });
  const child = await processCalled("claude");
  await story.as("bob", "register", "--agent", "claude", "--pid", String(child.pid));
  expect(await story.as("ann", "kill", "bob")).toMatchObject({ code: 0, out: `bob (pid ${child.pid}) has ended\n` });
  expect((await story.as("ann", "kill", "nobody")).code).toBe(3);
  expect((await story.as("ann", "kill", "ann")).code).not.toBe(0);
});
