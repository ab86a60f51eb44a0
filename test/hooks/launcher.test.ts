import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { bootId } from "../../src/place.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import { tempDir } from "../cli.ts";

const LAUNCHER = path.resolve(import.meta.dirname, "../../bin/agent-relay-hook");
const HOUR = 3_600_000;

/** A project with a registered session "s1" and another, and a program named node that only notes that it was started. */
class Desk {
  readonly dir: string;
  readonly #tools = tempDir();

  constructor(dir = tempDir()) {
    this.dir = dir;
    fs.writeFileSync(
      `${this.#tools}/node`,
      `#!/bin/sh\necho "$@" >"${this.#tools}/args"\ncat >"${this.#tools}/stdin"\n`,
    );
    fs.chmodSync(`${this.#tools}/node`, 0o755);
  }

  static async open(dir?: string): Promise<Desk> {
    const desk = new Desk(dir);
    for (const session of ["s1", "bob"]) await desk.as(session).register();
    return desk;
  }

  as(session: string): Relay {
    return new Relay(`${this.dir}/.relay`, { session, agent: "claude", durability: "process" });
  }

  /** What the launcher prints, or what it gave to Node. */
  hook(args: string, { input = '{"session_id":"s1"}', env = {}, cwd = this.dir }: Partial<Hooked> = {}): string {
    for (const file of ["args", "stdin"]) fs.rmSync(`${this.#tools}/${file}`, { force: true });
    const ran = spawnSync(LAUNCHER, args.split(" "), {
      ...{ input, cwd, encoding: "utf8", maxBuffer: 1e8 },
      env: { PATH: `${this.#tools}:/usr/bin:/bin`, CLAUDE_CODE_SESSION_ID: "s1", ...env },
    });
    expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: "" });
    // A payload that nobody takes is no failure: hosts do not mind.
    expect(["EPIPE", undefined]).toContain((ran.error as NodeJS.ErrnoException | undefined)?.code);
    if (!fs.existsSync(`${this.#tools}/args`)) return ran.stdout;
    const script = path.join(path.dirname(LAUNCHER), "agent-relay.cjs");
    expect(fs.readFileSync(`${this.#tools}/args`, "utf8").startsWith(`${script} hook ${args.split(" ")[0]}`)).toBe(
      true,
    );
    expect(fs.readFileSync(`${this.#tools}/stdin`, "utf8") === input, "the whole payload").toBe(true);
    return "node";
  }
}

interface Hooked {
  readonly input: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

const MOMENTS = [
  "UserPromptSubmit",
  "PreToolUse edit",
  "PreToolUse shell",
  "PostToolUse shell",
  "PostToolBatch",
  "Stop",
];

describe.skipIf(process.platform === "win32")("the launcher", () => {
  test("answers without Node where there is nothing to say, in the words of each host", async () => {
    const desk = await Desk.open();
    for (const moment of MOMENTS) expect(desk.hook(`claude ${moment}`), moment).toBe("");
    const env = { CLAUDE_CODE_SESSION_ID: "", GEMINI_SESSION_ID: "s1" };
    for (const event of ["BeforeAgent", "BeforeTool edit", "AfterTool", "AfterAgent"])
      expect(desk.hook(`gemini ${event}`, { env }), event).toBe("{}\n");
    for (const [args, says] of [
      ["codex UserPromptSubmit", ""],
      ["codex Stop", "{}\n"],
      ["copilot agentStop", "{}\n"],
      ["cursor stop", "{}\n"],
      ["antigravity PreInvocation", "{}\n"],
    ] as const)
      expect(desk.hook(args, { env: { CLAUDE_CODE_SESSION_ID: "other" } }), args).toBe(says);
  });

  test("starts Node for mail, at every moment that could tell of it, with the whole payload, also of 1 MB", async () => {
    const desk = await Desk.open();
    await desk.as("bob").send("hello", { to: "s1" });
    for (const event of ["UserPromptSubmit", "PostToolBatch", "Stop", "PostToolUse shell"])
      expect(desk.hook(`claude ${event}`), event).toBe("node");
    const input = JSON.stringify({ session_id: "s1", text: "ü\\n\n ".repeat(200_000) });
    for (const env of [{}, { CLAUDE_CODE_SESSION_ID: "" }])
      expect(desk.hook("claude Stop", { input, env }), JSON.stringify(env)).toBe("node");
    await desk.as("s1").inbox();
    for (const moment of ["UserPromptSubmit", "PreToolUse edit", "PostToolBatch", "Stop"])
      expect(desk.hook(`claude ${moment}`, { input }), moment).toBe("");
  });

  test("misses no message that was sent before it looked", async () => {
    const desk = await Desk.open();
    const [bob, me] = [desk.as("bob"), desk.as("s1")];
    for (let n = 0; n < 100; n++) {
      expect(desk.hook("claude PostToolBatch")).toBe("");
      await bob.send(`${n}`, n % 2 === 0 ? {} : { to: "s1" });
      expect(desk.hook("claude PostToolBatch"), `message ${n}`).toBe("node");
      await me.inbox();
    }
  });

  test("leaves to Node a start, an end, an event it does not know, and a session that is not registered", async () => {
    const desk = await Desk.open();
    for (const args of ["claude SessionStart", "claude SessionEnd", "claude Whatever", "claude"])
      expect(desk.hook(args), args).toBe("node");
    for (const session of ["s2", "../s1", ".", "a b", "s1;rm"])
      expect(desk.hook("claude Stop", { env: { CLAUDE_CODE_SESSION_ID: session } }), session).toBe("node");
  });

  test("says nothing where there is no relay, and makes none", () => {
    const desk = new Desk();
    for (const args of ["claude SessionStart", "claude Stop", "gemini BeforeAgent"])
      expect(desk.hook(args), args).toBe(args.startsWith("gemini") ? "{}\n" : "");
    expect(fs.readdirSync(desk.dir)).toEqual([]);
  });

  test("finds the relay from folders below, from linked worktrees and by its variable", async () => {
    const base = tempDir();
    const git = (...args: string[]) =>
      execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x", ...args], { cwd: base });
    git("init", "--quiet", "main");
    git("-C", "main", "commit", "--quiet", "--allow-empty", "-m", "x");
    git("-C", "main", "worktree", "add", "--quiet", "../linked");
    const desk = await Desk.open(`${base}/main`);
    const folders = [`${base}/main/a/b/c/d/e`, `${base}/linked/x/y`];
    for (const cwd of folders) fs.mkdirSync(cwd, { recursive: true });
    const elsewhere = { cwd: base, env: { AGENT_RELAY_DIR: `${base}/main/.relay` } };
    for (const how of [...folders.map((cwd) => ({ cwd })), elsewhere]) expect(desk.hook("claude Stop", how)).toBe("");
    await desk.as("bob").send("hello");
    for (const how of [...folders.map((cwd) => ({ cwd })), elsewhere])
      expect(desk.hook("claude Stop", how)).toBe("node");
  });

  test("says that the session lives; what is no empty file of ours is not touched", async () => {
    const desk = await Desk.open();
    const seen = `${desk.dir}/.relay/agents/s1.seen`;
    fs.utimesSync(seen, 0, 0);
    desk.hook("claude PostToolBatch");
    expect(fs.statSync(seen).mtimeMs).toBeGreaterThan(Date.now() - HOUR);
    const victim = `${desk.dir}/victim`;
    fs.writeFileSync(victim, "precious");
    fs.rmSync(seen);
    fs.symlinkSync(victim, seen);
    expect(desk.hook("claude PostToolBatch")).toBe("node");
    expect(fs.readFileSync(victim, "utf8")).toBe("precious");
  });

  test("looks at claims before an edit, and before a shell command that may write", async () => {
    const desk = await Desk.open();
    const shell = (command: string) =>
      desk.hook("claude PreToolUse shell", { input: JSON.stringify({ session_id: "s1", tool_input: { command } }) });
    await desk.as("bob").claim(["src"]);
    expect(desk.hook("claude PreToolUse edit")).toBe("node");
    expect(shell("ls -la")).toBe("");
    for (const command of ["echo x > src/a", "sed -i s/a/b/ x", "rm -r src", `ls ${"x".repeat(5000)}`])
      expect(shell(command), command.slice(0, 40)).toBe("node");
    await desk.as("bob").release(["src"]);
    expect([desk.hook("claude PreToolUse edit"), shell("rm x")]).toEqual(["", ""]);
    expect(desk.hook("claude PostToolUse edit"), "what was written is noted").toBe("node");
  });

  test("what was shown and still asks wakes Node at a prompt, and once at a stop, and not between", async () => {
    const desk = await Desk.open();
    const { id } = await desk.as("bob").send("which?", { to: "s1", kind: "question" });
    await desk.as("s1").inbox();
    expect(desk.hook("claude PostToolBatch")).toBe("");
    expect([desk.hook("claude UserPromptSubmit"), desk.hook("claude Stop")]).toEqual(["node", "node"]);
    await new FileStore(`${desk.dir}/.relay`).mark(`hooks/s1/held.${id}`);
    expect(desk.hook("claude Stop")).toBe("");
    await desk.as("s1").ack(id);
    expect(desk.hook("claude UserPromptSubmit")).toBe("");
    await new FileStore(`${desk.dir}/.relay`).mark("hooks/s1/hold.1");
    expect([desk.hook("claude UserPromptSubmit"), desk.hook("claude Stop")], "a count is ended").toEqual(["", "node"]);
  });

  test("while somebody waits for what may come true by itself, Node looks now and then", async () => {
    const desk = await Desk.open();
    await desk.as("bob").subscribe({ ended: ["s1"] });
    const store = new FileStore(`${desk.dir}/.relay`);
    expect(desk.hook("claude PostToolBatch")).toBe("node");
    await store.mark("stamps/hook-due", Date.now() + HOUR);
    expect(desk.hook("claude PostToolBatch")).toBe("");
    await store.mark("stamps/hook-due", Date.now() - HOUR);
    expect(desk.hook("claude PostToolBatch")).toBe("node");
  });

  test.skipIf(bootId() === undefined)("knows the session by the mark of the process that calls it", async () => {
    const desk = await Desk.open();
    const mark = `pids/${bootId()?.split("-")[0]}.${process.pid}`;
    const store = new FileStore(`${desk.dir}/.relay`);
    const unnamed = { input: '{"no":"name"}', env: { CLAUDE_CODE_SESSION_ID: "" } };
    expect(desk.hook("codex UserPromptSubmit", unnamed)).toBe("node");
    await store.mark(`${mark}.s1`);
    expect(desk.hook("codex UserPromptSubmit", unnamed)).toBe("");
    await store.mark(`${mark}.s2`);
    expect(desk.hook("codex UserPromptSubmit", unnamed), "two are one too many").toBe("node");
  });

  test("the session that the relay's own variable names is meant, whatever else is said", async () => {
    const desk = await Desk.open();
    await desk.as("bob").send("hello", { to: "s1" });
    for (const host of ["claude", "codex", "gemini"])
      expect(desk.hook(`${host} UserPromptSubmit`, { env: { AGENT_RELAY_SESSION: "bob" } }), host).not.toBe("node");
    await desk.as("s1").send("hello", { to: "bob" });
    const env = { AGENT_RELAY_SESSION: "bob", CLAUDE_CODE_SESSION_ID: "s1" };
    expect(desk.hook("claude UserPromptSubmit", { env })).toBe("node");
  });

  test("a variable that another host may have inherited is not believed", async () => {
    const desk = await Desk.open();
    await desk.as("bob").send("for bob", { to: "s1" });
    const input = '{"session_id":"bob"}';
    expect(desk.hook("claude Stop", { input, env: { COPILOT_CLI: "1" } })).toBe("");
    expect(desk.hook("codex UserPromptSubmit", { input })).toBe("");
  });
});
