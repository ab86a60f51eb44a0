import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempDir } from "../support/cli.ts";
import { COMMAND } from "../support/paths.ts";

const hasGit = spawnSync("git", ["--version"]).status === 0;

/** Where each host keeps its hooks, and how it says things. */
const HOSTS = {
  claude: {
    variable: "CLAUDE_CODE_SESSION_ID",
    file: ".claude/settings.json",
    start: "SessionStart",
    prompt: "UserPromptSubmit",
    step: "PostToolBatch",
    stop: "Stop",
    write: "Write",
    end: "SessionEnd",
  },
  codex: {
    variable: "CODEX_THREAD_ID",
    file: ".codex/hooks.json",
    start: "SessionStart",
    prompt: "UserPromptSubmit",
    step: "PostToolUse",
    stop: "Stop",
    write: "apply_patch",
    end: "SessionEnd",
  },
  gemini: {
    variable: "GEMINI_SESSION_ID",
    file: ".gemini/settings.json",
    start: "SessionStart",
    prompt: "BeforeAgent",
    step: "AfterTool",
    stop: "AfterAgent",
    write: "write_file",
    end: "SessionEnd",
  },
} as const;

class Team {
  readonly home = tempDir();
  readonly main = `${this.home}/project`;

  run(program: string, args: readonly string[], cwd: string, env = {}, input = "") {
    const own = { ...process.env, HOME: this.home, XDG_STATE_HOME: this.home, GIT_CONFIG_GLOBAL: "/dev/null", ...env };
    const { status, stdout, stderr } = spawnSync(program, args, { cwd, env: own, input, encoding: "utf8" });
    return { status, stdout, stderr };
  }

  git(...args: string[]): void {
    const ran = this.run("git", ["-c", "user.name=x", "-c", "user.email=x@y", ...args], this.main);
    expect(ran, args.join(" ")).toMatchObject({ status: 0 });
  }
}

/** An agent as its host runs it: each event goes through the commands that are installed for it. */
class Agent {
  readonly #team: Team;
  readonly #host: keyof typeof HOSTS;
  readonly #session: string;
  readonly cwd: string;

  constructor(team: Team, host: keyof typeof HOSTS, session: string, cwd: string) {
    [this.#team, this.#host, this.#session, this.cwd] = [team, host, session, cwd];
  }

  /** What it types in its own shell. */
  types(...args: string[]): string {
    const { variable } = HOSTS[this.#host];
    const ran = this.#team.run(process.execPath, [COMMAND, ...args], this.cwd, { [variable]: this.#session });
    expect(ran.stderr.replace(/^No unread.*\n/, ""), args.join(" ")).toBe("");
    return ran.stdout;
  }

  at(moment: "start" | "prompt" | "step" | "stop" | "end"): string {
    return this.#hook(HOSTS[this.#host][moment], {});
  }

  /** Writes a file, unless that is denied. Returns what it was told. */
  writes(file: string, text: string): string {
    const { write } = HOSTS[this.#host];
    const patch = { command: `*** Begin Patch\n*** Update File: ${file}\n*** End Patch` };
    const tool = {
      tool_name: write,
      tool_input: write === "apply_patch" ? patch : { file_path: path.join(this.cwd, file), content: text },
    };
    const [before, after] = this.#host === "gemini" ? ["BeforeTool", "AfterTool"] : ["PreToolUse", "PostToolUse"];
    const denied = this.#hook(before, tool);
    if (denied !== "") return denied;
    fs.writeFileSync(path.join(this.cwd, file), text);
    return this.#hook(after, tool);
  }

  /** Runs each command that its settings have for an event and a tool, and returns what reaches the model. */
  #hook(event: string, more: { tool_name?: string }): string {
    const settings = JSON.parse(fs.readFileSync(`${this.#team.home}/${HOSTS[this.#host].file}`, "utf8"));
    const payload = { session_id: this.#session, cwd: this.cwd, hook_event_name: event, ...more };
    let told = "";
    for (const { matcher, hooks } of settings.hooks[event] ?? []) {
      if (matcher !== undefined && !new RegExp(`^(${matcher})$`).test(more.tool_name ?? "other")) continue;
      for (const { command } of hooks) {
        const { status, stdout, stderr } = this.#team.run(
          "/bin/sh",
          ["-c", command],
          this.cwd,
          {},
          JSON.stringify(payload),
        );
        expect({ status, stderr }, command).toEqual({ status: 0, stderr: "" });
        if (stdout.trim() === "") continue;
        const answer = JSON.parse(stdout);
        const own = answer.hookSpecificOutput ?? {};
        told += own.additionalContext ?? own.permissionDecisionReason ?? answer.reason ?? "";
      }
    }
    return told;
  }
}

test.skipIf(!hasGit || process.platform === "win32")(
  "three agents in two worktrees work from set-up to a merge, and hear of each other by their hooks alone",
  () => {
    const team = new Team();
    fs.mkdirSync(`${team.main}/src`, { recursive: true });
    team.git("init", "--quiet", "--initial-branch=main");
    for (const file of ["a.ts", "b.ts"]) fs.writeFileSync(`${team.main}/src/${file}`, "1\n");
    team.git("add", ".");
    team.git("commit", "--quiet", "-m", "first");
    team.git("worktree", "add", "--quiet", "../feature");
    const [claude, codex, gemini] = [
      new Agent(team, "claude", "c1", team.main),
      new Agent(team, "codex", "x1", `${team.home}/feature`),
      new Agent(team, "gemini", "g1", `${team.home}/feature`),
    ];

    for (const args of [
      ["setup", "claude", "codex", "gemini", "--user"],
      ["setup", "--user", "--check", "claude", "codex", "gemini"],
    ])
      expect(team.run(process.execPath, [COMMAND, ...args], team.main), args.join(" ")).toMatchObject({ status: 0 });
    expect(claude.at("start"), "no relay yet, and a hook makes none").toBe("");
    claude.types("status", "rewriting a");

    expect(codex.at("start")).toMatch(/You are codex-[\s\S]*here: claude-\S+ \(rewriting a\)/);
    expect(gemini.at("start")).toMatch(/here: .*codex-.*/);
    expect([claude.at("prompt"), codex.at("prompt"), gemini.at("prompt")]).toEqual(["", "", ""]);

    claude.types("claim", "src/a.ts", "--reason", "new grammar");
    expect(claude.writes("src/a.ts", "claude\n")).toBe("");
    expect(codex.writes("src/a.ts", "codex\n")).toMatch(
      /^"src\/a\.ts" is not to be edited now: another agent has claimed it\.[\s\S]*claude-\S+ holds "src\/a\.ts".*"new grammar"/,
    );
    expect(fs.readFileSync(`${codex.cwd}/src/a.ts`, "utf8"), "it was not written").toBe("1\n");
    codex.types("wait", "--released", "src/a.ts", "--subscribe");
    const asked = codex.types("send", "--to", "c1", "--kind", "question", "how long?").split(" ")[0] ?? "";

    expect(claude.at("step")).toContain("question: how long?");
    expect(claude.at("step"), "once").toBe("");
    expect(claude.at("stop"), "what asks keeps it going").toMatch(/how long\?[\s\S]*Deal with this/);
    claude.types("reply", asked, "a minute");
    expect(claude.at("stop"), "and then it may stop").toBe("");

    expect(codex.writes("src/b.ts", "codex\n")).toContain("a minute");
    expect(gemini.writes("src/b.ts", "gemini\n")).toMatch(/codex-\S+ wrote .*b\.ts" too, less than 30 s ago/);
    expect(fs.readFileSync(`${gemini.cwd}/src/b.ts`, "utf8")).toBe("gemini\n");

    team.git("commit", "--quiet", "-am", "a");
    claude.types("release", "src/a.ts");
    expect(codex.at("prompt")).toMatch(/What you waited for came true .*src\/a\.ts is free/);
    gemini.types("send", "--to", "x1", "b is done, commit it");
    expect(codex.at("stop")).toContain("b is done, commit it");
    expect(codex.at("stop")).toBe("");
    expect(
      team.run("git", ["-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qam", "b"], codex.cwd),
    ).toMatchObject({ status: 0 });
    expect(team.run(process.execPath, [COMMAND, "conflicts"], team.main).stderr).toContain(
      "No file was changed in more than one",
    );
    team.git("merge", "--quiet", "--no-edit", "feature");
    expect(["a.ts", "b.ts"].map((file) => fs.readFileSync(`${team.main}/src/${file}`, "utf8"))).toEqual([
      "claude\n",
      "gemini\n",
    ]);

    for (const agent of [claude, codex, gemini]) expect(agent.at("end")).toBe("");
    expect(JSON.parse(team.run(process.execPath, [COMMAND, "agents", "--json"], team.main).stdout)).toEqual([]);
    expect(team.run(process.execPath, [COMMAND, "setup", "--user", "--remove"], team.main).status).toBe(0);
    expect(fs.readdirSync(team.home).sort()).toEqual(["agent-relay", "feature", "project"]);
  },
);
