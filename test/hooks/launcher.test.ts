import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { HookCallers } from "../../src/machine/hook-callers.ts";
import { bootId } from "../../src/machine/process.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import { tempDir } from "../support/cli.ts";
import { LAUNCHER } from "../support/paths.ts";

const HOUR = 3_600_000;

/** A project with a registered session "s1" and another, and a program named node that only notes that it was started. */
class Desk {
  readonly dir: string;
  readonly #tools = tempDir();
  readonly #state = tempDir();

  constructor(dir = tempDir()) {
    this.dir = dir;
    fs.writeFileSync(
      `${this.#tools}/node`,
      `#!/bin/sh\necho "$@" >"${this.#tools}/args"\n{ printf %s "$AGENT_RELAY_HOOK_HEAD"; cat; } >"${this.#tools}/stdin"\necho "$NODE_EXTRA_CA_CERTS" >"${this.#tools}/certificates"\n`,
    );
    fs.chmodSync(`${this.#tools}/node`, 0o755);
  }

  static async open(dir?: string): Promise<Desk> {
    const desk = new Desk(dir);
    for (const session of ["s1", "bob"]) await desk.as(session).agents.register();
    return desk;
  }

  /** Notes that this process calls hooks for a session, as its start does. */
  note(session: string): void {
    new HookCallers({ XDG_STATE_HOME: this.#state }).note({ pid: process.pid, session, relay: `${this.dir}/.relay` });
  }

  /** The certificates that the last Node was to read beside its own. */
  get certificates(): string {
    return fs.readFileSync(`${this.#tools}/certificates`, "utf8").trim();
  }

  as(session: string): Relay {
    return new Relay(`${this.dir}/.relay`, { session, agent: "claude", durability: "process" });
  }

  /** What the launcher prints, or what it gave to Node. */
  hook(args: string, { input = '{"session_id":"s1"}', env = {}, cwd = this.dir }: Partial<Hooked> = {}): string {
    for (const file of ["args", "stdin"]) fs.rmSync(`${this.#tools}/${file}`, { force: true });
    const words = args.split(" ").filter((word) => word !== "");
    const ran = spawnSync(LAUNCHER, words, {
      ...{ input, cwd, encoding: "utf8", maxBuffer: 1e8 },
      env: { PATH: `${this.#tools}:/usr/bin:/bin`, CLAUDE_CODE_SESSION_ID: "s1", XDG_STATE_HOME: this.#state, ...env },
    });
    expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 0, stderr: "" });
    // A payload that nobody takes is no failure: hosts do not mind.
    expect(["EPIPE", undefined]).toContain((ran.error as NodeJS.ErrnoException | undefined)?.code);
    if (!fs.existsSync(`${this.#tools}/args`)) return ran.stdout;
    const script = path.join(path.dirname(LAUNCHER), "agent-relay.cjs");
    expect(fs.readFileSync(`${this.#tools}/args`, "utf8").startsWith(`${script} hook ${words[0] ?? ""}`)).toBe(true);
    expect(fs.readFileSync(`${this.#tools}/stdin`, "utf8") === input, "the whole payload").toBe(true);
    return "node";
  }
}

const PLAIN = { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin` };

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

/** What Claude Code says of a shell command. */
const ran = (command: string, more = {}) =>
  JSON.stringify({
    ...{ session_id: "s1", transcript_path: "/h/.claude/projects/-platform/t.jsonl", cwd: "/srv/cp/rm" },
    ...{ permission_mode: "default", hook_event_name: "PostToolUse", tool_name: "Bash" },
    ...{ tool_input: { command, description: "x" } },
    ...more,
  });

describe.skipIf(process.platform === "win32")("the launcher", () => {
  test("answers without Node where there is nothing to say, in the words of each host", async () => {
    const desk = await Desk.open();
    for (const moment of MOMENTS) expect(desk.hook(`claude ${moment}`, { input: ran("ls") }), moment).toBe("");
    const env = { CLAUDE_CODE_SESSION_ID: "", GEMINI_SESSION_ID: "s1" };
    for (const event of ["BeforeAgent", "BeforeTool edit", "AfterTool", "AfterAgent"])
      expect(desk.hook(`gemini ${event}`, { env, input: ran("ls") }), event).toBe("{}\n");
    for (const [args, says] of [
      ["codex UserPromptSubmit", ""],
      ["codex Stop", "{}\n"],
      ["copilot agentStop", "{}\n"],
      ["cursor stop", "{}\n"],
      ["antigravity PreInvocation", "{}\n"],
    ] as const)
      expect(desk.hook(args, { env: { CLAUDE_CODE_SESSION_ID: "other" } }), args).toBe(says);
  });

  test("called without arguments, by a host that reads another's settings, it goes by the payload's event", async () => {
    const desk = await Desk.open();
    const of = (hook_event_name: string) => ({ input: JSON.stringify({ session_id: "s1", hook_event_name }) });
    for (const event of ["UserPromptSubmit", "PostToolBatch", "Stop"]) expect(desk.hook("", of(event))).toBe("{}\n");
    for (const event of ["SessionStart", "Unheard"]) expect(desk.hook("", of(event))).toBe("node");
    expect(desk.hook("", { input: '{"session_id":"s1"}' })).toBe("node");
    await desk.as("bob").send("hi", { to: "s1" });
    expect(desk.hook("", of("PostToolBatch"))).toBe("node");
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

  test.each([
    ["SessionStart", PLAIN.PATH],
    ["Stop", PLAIN.PATH],
    ["Stop", ""],
  ])("a host that wrote nothing was waited for, for ever: at %s it goes on after 2 s", async (event, PATH) => {
    const desk = await Desk.open();
    await desk.as("bob").send("hello", { to: "s1" });
    const state = tempDir();
    const tools = tempDir();
    for (const name of ["dd", "sleep", "cat", "mkdir", "find", "date"]) // and no timeout, as on macOS
      fs.symlinkSync(execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(), `${tools}/${name}`);
    const env = { PATH: PATH || tools, XDG_STATE_HOME: state, CLAUDE_CODE_SESSION_ID: "s1" };
    const hook = spawn(LAUNCHER, ["codex", event], { cwd: desk.dir, env, stdio: ["pipe", "pipe", "inherit"] });
    const [[code], said] = await Promise.all([once(hook, "close"), text(hook.stdout)]);
    expect({ code, said }).toEqual({ code: 0, said: event === "Stop" ? "{}\n" : "" });
    expect(fs.readFileSync(`${state}/agent-relay/hook.log`, "utf8")).toMatch(
      new RegExp(`^\\S+Z codex ${event}: its payload did not come within 2 s\n$`),
    );
  });

  test("without a Node in its PATH it was silent, and nothing said so: it takes the one that ran setup, or notes it", async () => {
    const desk = await Desk.open();
    await desk.as("bob").send("hello", { to: "s1" });
    const state = tempDir();
    const run = () =>
      spawnSync(LAUNCHER, ["claude", "Stop"], {
        ...{ cwd: desk.dir, encoding: "utf8" as const, input: '{"session_id":"s1","hook_event_name":"Stop"}' },
        env: {
          PATH: "/usr/bin:/bin".replace(path.dirname(process.execPath), ""),
          HOME: "/nowhere",
          XDG_STATE_HOME: state,
          CLAUDE_CODE_SESSION_ID: "s1",
        },
      });
    const log = () => fs.readFileSync(`${state}/agent-relay/hook.log`, "utf8");
    fs.mkdirSync(`${state}/agent-relay`);
    fs.writeFileSync(`${state}/agent-relay/node`, "/bin/false\n");
    expect(run()).toMatchObject({ status: 0, stdout: "" });
    expect(log()).toMatch(/^\S+Z claude Stop: \/bin\/false ended with exit code 1\n$/);
    fs.writeFileSync(`${state}/agent-relay/node`, `${process.execPath}\n`);
    expect(run().stdout).toContain("hello");
  });

  test("starts Node where a server has the relay: no folder here shows what is there", async () => {
    const desk = await Desk.open();
    expect(desk.hook("claude Stop")).toBe("");
    expect(desk.hook("claude Stop", { env: { AGENT_RELAY_SERVER: "http://127.0.0.1:4800" } })).toBe("node");
  });

  test("reads certificates, which takes two thirds of Node's start, only where a server has the relay", async () => {
    const desk = await Desk.open();
    await desk.as("bob").send("hi", { to: "s1" });
    const env = { NODE_EXTRA_CA_CERTS: "/company.pem" };
    expect(desk.hook("claude UserPromptSubmit", { env })).toBe("node");
    expect(desk.certificates).toBe("");
    desk.hook("claude UserPromptSubmit", { env: { ...env, AGENT_RELAY_SERVER: "https://relay.example" } });
    expect(desk.certificates).toBe("/company.pem");
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
    const writing = [
      "echo x > src/a",
      "sed -i s/a/b/ x",
      "rm -r src",
      "/bin/rm x",
      "ls\nrm x",
      "ls;\tmv a b",
      "x|tee a",
    ];
    for (const command of [...writing, `ls ${"x".repeat(5000)}`])
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
    await desk.as("s1").messages.ack(id);
    expect(desk.hook("claude UserPromptSubmit")).toBe("");
    await new FileStore(`${desk.dir}/.relay`).mark("hooks/s1/hold.1");
    expect([desk.hook("claude UserPromptSubmit"), desk.hook("claude Stop")], "a count is ended").toEqual(["", "node"]);
  });

  test("while somebody waits for what may come true by itself, Node looks now and then", async () => {
    const desk = await Desk.open();
    await desk.as("bob").waits.subscribe({ ended: ["s1"] });
    const store = new FileStore(`${desk.dir}/.relay`);
    expect(desk.hook("claude PostToolBatch")).toBe("node");
    await store.mark("stamps/hook-due", Date.now() + HOUR);
    expect(desk.hook("claude PostToolBatch")).toBe("");
    await store.mark("stamps/hook-due", Date.now() - HOUR);
    expect(desk.hook("claude PostToolBatch")).toBe("node");
  });

  test.skipIf(bootId() === undefined)("knows the session by the mark of the process that calls it", async () => {
    const desk = await Desk.open();
    const unnamed = { input: '{"no":"name"}', env: { CLAUDE_CODE_SESSION_ID: "" } };
    expect(desk.hook("codex UserPromptSubmit", unnamed)).toBe("node");
    desk.note("s1");
    expect(desk.hook("codex UserPromptSubmit", unnamed)).toBe("");
    desk.note("s2");
    expect(desk.hook("codex UserPromptSubmit", unnamed), "two are one too many").toBe("node");
  });

  test.skipIf(bootId() === undefined)("the session that the relay's own variable names is meant", async () => {
    const desk = await Desk.open();
    desk.note("bob");
    await desk.as("bob").send("hello", { to: "s1" });
    for (const host of ["claude", "codex", "gemini"])
      expect(desk.hook(`${host} UserPromptSubmit`, { env: { AGENT_RELAY_SESSION: "bob" } }), host).not.toBe("node");
    await desk.as("s1").send("hello", { to: "bob" });
    const env = { AGENT_RELAY_SESSION: "bob", CLAUDE_CODE_SESSION_ID: "s1" };
    expect(desk.hook("claude UserPromptSubmit", { env })).toBe("node");
  });

  test("a shell hook with nothing to say is silent with what hosts really send, whatever words are in it", async () => {
    const desk = await Desk.open();
    await desk.as("bob").claim(["src"]);
    const done = { tool_response: { stdout: "rm -rf x > y", stderr: "" } };
    for (const [command, more] of [
      ["ls", {}],
      ["ls", done],
      ["npm run format", done],
      ["git log --format=%h -- permission.ts", done],
      ["ls", { tool_response: { stdout: "x".repeat(100_000) } }],
    ] as const) {
      expect(desk.hook("claude PostToolUse shell", { input: ran(command, more) }), command).toBe("");
      expect(desk.hook("claude PreToolUse shell", { input: ran(command, more) }), command).toBe("");
      expect(desk.hook("codex PreToolUse shell", { input: ran(command, { turn_id: "t", ...more }) })).toBe("");
    }
    expect(desk.hook("claude PostToolUse shell", { input: ran("rm x", done) })).toBe("node");
  });

  test("a payload that comes in two pieces is Node's to read, and the denial is not lost", async () => {
    const desk = await Desk.open();
    await desk.as("bob").claim(["a.txt"]);
    const payload = ran("echo 1 > a.txt", { cwd: desk.dir, hook_event_name: "PreToolUse" });
    const cut = payload.indexOf('"tool_name"');
    for (const shell of ["sh", "bash"]) {
      const { stdout } = spawnSync(
        shell,
        ["-c", `(printf %s "$A"; sleep 0.2; printf %s "$B") | "${LAUNCHER}" claude PreToolUse shell`],
        {
          cwd: desk.dir,
          encoding: "utf8",
          env: {
            ...PLAIN,
            CLAUDE_CODE_SESSION_ID: "s1",
            A: payload.slice(0, cut),
            B: payload.slice(cut),
          },
        },
      );
      expect(JSON.parse(stdout).hookSpecificOutput).toMatchObject({ permissionDecision: "deny" });
    }
  });

  test("a letter that the first 4 KB cut in two reaches Node whole", async () => {
    const desk = await Desk.open();
    await desk.as("bob").send("hello", { to: "s1" });
    for (let pad = 0; pad < 4; pad++) {
      const input = JSON.stringify({ session_id: "s1", text: `${"x".repeat(4060 + pad)}${"üü\u{1f980}".repeat(20)}` });
      expect(desk.hook("claude Stop", { input, env: { CLAUDE_CODE_SESSION_ID: "" } })).toBe("node");
    }
  });

  test("a host that keeps the pipe open is not held up", async () => {
    const desk = await Desk.open();
    await desk.as("bob").send("hello", { to: "s1" });
    const held = async (args: string, payload: object) => {
      const child = spawn(LAUNCHER, args.split(" "), { cwd: desk.dir, env: PLAIN });
      let out = "";
      child.stdout.on("data", (part) => (out += part));
      child.stdin.write(JSON.stringify(payload));
      const [code] = await once(child, "close");
      child.stdin.destroy();
      return { code, out };
    };
    const { code, out } = await held("codex UserPromptSubmit", { session_id: "s1", turn_id: "t", cwd: desk.dir });
    expect([code, out]).toEqual([0, expect.stringContaining("hello")]);
    const cursor = { conversation_id: "bob", cwd: desk.dir, tool_name: "Read", tool_input: {} };
    expect(await held("cursor postToolUse", cursor)).toEqual({ code: 0, out: "{}\n" });
  });

  test("two sessions of one process keep each its own mail", async () => {
    const desk = await Desk.open();
    const say = (event: string, session: string) =>
      spawnSync(LAUNCHER, ["codex", event], {
        ...{ cwd: desk.dir, encoding: "utf8", env: PLAIN },
        input: JSON.stringify({ session_id: session, cwd: desk.dir, hook_event_name: event, turn_id: "t" }),
      }).stdout;
    for (const session of ["c1", "c2"]) expect(say("SessionStart", session)).toContain("You are");
    await desk.as("bob").send("for the first", { to: "c1" });
    expect(say("UserPromptSubmit", "c2")).toBe("");
    expect(say("UserPromptSubmit", "c1")).toContain("for the first");
  });

  test.skipIf(bootId() === undefined)("an agent that another has started does not act as that one", async () => {
    const desk = await Desk.open();
    await desk.as("bob").send("for the outer one", { to: "s1" });
    const how = { input: '{"session_id":"inner"}', env: { AGENT_RELAY_SESSION: "s1" } };
    expect(desk.hook("codex UserPromptSubmit", how)).toBe("node");
  });

  test("a user's hooks of Cursor run elsewhere, and find the project by what the payload says", async () => {
    const desk = await Desk.open();
    const cwd = tempDir();
    const payload = (root: string, more = {}) =>
      JSON.stringify({ conversation_id: "s1", generation_id: "g", workspace_roots: [root], ...more });
    expect(desk.hook("cursor stop", { cwd, input: payload(desk.dir) })).toBe("{}\n");
    await desk.as("bob").send("hello", { to: "s1" });
    expect(desk.hook("cursor stop", { cwd, input: payload(desk.dir) })).toBe("node");
    expect(desk.hook("cursor stop", { cwd, input: payload(`${desk.dir}/a\\b`) }), "doubt").toBe("node");
    expect(desk.hook("cursor sessionStart", { cwd, input: payload(desk.dir) })).toBe("node");
    expect(desk.hook("cursor stop", { cwd: desk.dir, input: payload(cwd) }), "another project").toBe("{}\n");
    const agy = JSON.stringify({ conversationId: "s1", workspacePaths: [desk.dir] });
    expect(desk.hook("antigravity PreInvocation", { cwd, input: agy })).toBe("node");
  });

  test("what came with a cloned repository is not followed out of it, and holds nobody up", async () => {
    const desk = await Desk.open();
    const live = `${desk.dir}/.relay/claims/live.json`;
    fs.mkdirSync(path.dirname(live), { recursive: true });
    for (const make of [
      () => fs.symlinkSync("/dev/zero", live),
      () => execFileSync("mkfifo", [live]),
      () => fs.mkdirSync(live),
    ]) {
      make();
      expect(desk.hook("claude PreToolUse shell", { input: ran("rm x") })).toBe("node");
      fs.rmSync(live, { recursive: true });
    }
    fs.renameSync(`${desk.dir}/.relay/agents`, `${desk.dir}/agents`);
    fs.symlinkSync("../agents", `${desk.dir}/.relay/agents`);
    expect(desk.hook("claude Stop")).toBe("node");
  });

  test("a Node that is not there, too old or half removed breaks no host", async () => {
    const desk = await Desk.open();
    const half = tempDir();
    fs.copyFileSync(LAUNCHER, `${half}/agent-relay-hook`);
    const say = (PATH: string, ...args: string[]) => {
      const { status, stdout } = spawnSync(`${half}/agent-relay-hook`, args, {
        ...{ cwd: desk.dir, encoding: "utf8", input: '{"session_id":"zz"}', env: { PATH } },
      });
      return { status, stdout };
    };
    const bare = `${half}/bin`;
    fs.mkdirSync(bare);
    for (const tool of ["sh", "dd", "cat"]) fs.symlinkSync(`/bin/${tool}`, `${bare}/${tool}`);
    for (const PATH of [PLAIN.PATH, bare]) {
      expect(say(PATH, "copilot", "preToolUse")).toEqual({ status: 0, stdout: "{}\n" });
      expect(say(PATH, "claude", "SessionStart")).toEqual({ status: 0, stdout: "" });
      expect(say(PATH, "codex", "Stop")).toEqual({ status: 0, stdout: "{}\n" });
    }
  });

  test.skipIf(process.getuid?.() !== 0)("a relay that cannot be written breaks no host", async () => {
    const desk = await Desk.open();
    execFileSync("chmod", ["-R", "a+rX,a-w", `${desk.dir}/.relay`]);
    const tools = tempDir();
    fs.copyFileSync(LAUNCHER, `${tools}/launcher`);
    fs.writeFileSync(`${tools}/node`, "#!/bin/sh\ncat >/dev/null\n", { mode: 0o755 });
    for (const folder of [desk.dir, tools]) fs.chmodSync(folder, 0o755);
    for (const shell of ["sh", "bash --posix"])
      for (const args of [
        "claude UserPromptSubmit",
        "claude PreToolUse edit",
        "claude Stop",
        "copilot preToolUse",
        "codex Stop",
      ]) {
        const ran = spawnSync("/bin/sh", ["-c", `exec ${shell} "${tools}/launcher" ${args}`], {
          ...{ cwd: desk.dir, encoding: "utf8", input: '{"session_id":"s1","cwd":"."}', uid: 65_534, gid: 65_534 },
          env: { PATH: `${tools}:${PLAIN.PATH}`, CLAUDE_CODE_SESSION_ID: "s1", HOME: "/nonexistent" },
        });
        expect({ status: ran.status, stderr: ran.stderr }, `${shell} ${args}`).toEqual({ status: 0, stderr: "" });
        expect(ran.stdout, "Node is asked").toBe("");
      }
  });

  test("a variable that another host may have inherited is not believed", async () => {
    const desk = await Desk.open();
    await desk.as("bob").send("for bob", { to: "s1" });
    const input = '{"session_id":"bob"}';
    expect(desk.hook("claude Stop", { input, env: { COPILOT_CLI: "1" } })).toBe("");
    expect(desk.hook("codex UserPromptSubmit", { input })).toBe("");
  });
});
