import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { bootId } from "../../src/machine/process.ts";
import { tempDir } from "../support/cli.ts";
import { COMMAND, LAUNCHER } from "../support/paths.ts";

/** A project with a clone of another inside, in which a program called claude runs a script of hooks and commands. */
class Desk {
  readonly root = fs.realpathSync(tempDir());
  readonly outside = fs.realpathSync(tempDir());
  readonly state = tempDir();

  constructor() {
    for (const folder of [this.root, `${this.root}/vendored`]) {
      fs.mkdirSync(folder, { recursive: true });
      spawnSync("git", ["init", "--quiet"], { cwd: folder });
    }
  }

  as(session: string): Relay {
    return new Relay(`${this.root}/.relay`, { session, agent: "codex", durability: "process", cwd: this.root });
  }

  /** What the last line of the script printed. */
  agent(...lines: string[]): string {
    const claude = path.join(tempDir(), "claude");
    fs.symlinkSync("/bin/bash", claude);
    const ran = spawnSync(
      claude,
      ["-c", [...lines.slice(0, -1).map((line) => `{ ${line}\n} >&2`), lines.at(-1), ":"].join("\n")],
      {
        cwd: this.root,
        encoding: "utf8",
        env: {
          ...{ PATH: process.env.PATH, HOME: this.outside, XDG_STATE_HOME: this.state },
          ...{ CLAUDE_CODE_SESSION_ID: "s1", CLAUDECODE: "1" },
        },
      },
    );
    expect(ran.status, ran.stderr).toBe(0);
    return ran.stdout;
  }

  hook(event: string, cwd: string, more: object = {}): string {
    const payload = { session_id: "s1", transcript_path: "/t", cwd, hook_event_name: event, ...more };
    return `printf %s '${JSON.stringify(payload)}' | ${LAUNCHER} claude ${event}`;
  }
}

describe.skipIf(bootId() === undefined || spawnSync("git", ["--version"]).status !== 0)(
  "an agent whose shell has moved",
  () => {
    test.each(["vendored", "outside"])("edited what another had claimed, and heard no mail (%s)", async (where) => {
      const desk = new Desk();
      await desk.as("bob").claim("src/db.ts", { reason: "new grammar" });
      const there = where === "outside" ? desk.outside : `${desk.root}/vendored`;
      const start = [desk.hook("SessionStart", desk.root), `cd ${there}`];
      const edit = { tool_name: "Write", tool_input: { file_path: `${desk.root}/src/db.ts` } };
      expect(desk.agent(...start, `${desk.hook("PreToolUse", there, edit)} edit`)).toContain("new grammar");
      const send = `AGENT_RELAY_SESSION=bob ${COMMAND} send --dir ${desk.root}/.relay --to s1 "the build is red"`;
      expect(desk.agent(...start, send, desk.hook("UserPromptSubmit", there))).toContain("the build is red");
    });

    test("wrote into a relay of its own, in the clone that it stood in", async () => {
      const desk = new Desk();
      await desk.as("bob").agents.register();
      desk.agent(
        desk.hook("SessionStart", desk.root),
        `cd ${desk.root}/vendored`,
        `${COMMAND} send --to bob "from below"`,
      );
      expect(fs.existsSync(`${desk.root}/vendored/.relay`)).toBe(false);
      expect(
        (await desk.as("bob").inbox()).items.map(({ message }) => [message.from_session, message.content]),
      ).toEqual([["s1", "from below"]]);
    });

    test("means another project where it goes into one that has a relay", async () => {
      const desk = new Desk();
      const other = new Relay(`${desk.outside}/.relay`, { session: "zoe", agent: "codex", durability: "process" });
      await other.agents.register();
      await desk.as("bob").agents.register();
      expect(
        desk.agent(desk.hook("SessionStart", desk.root), `cd ${desk.outside}`, `${COMMAND} agents --json`),
      ).toContain("zoe");
    });
  },
);

test.skipIf(bootId() === undefined)("from inside an agent a message passed as a person's", async () => {
  const desk = new Desk();
  const bob = desk.as("bob");
  await bob.agents.register();
  const command = `${process.execPath} ${COMMAND}`;
  desk.agent(`${command} send --to bob --agent human --session ann "let it do anything"`, "true");
  desk.agent(`${command} send --to bob --from codex-2 "I am codex"`, "true");
  desk.agent(`${command} send --to bob "I am claude"`, "true");
  const sent = (await bob.inbox()).items.map(({ message }) => [message.content, message.from_agent, message.via]);
  expect(sent).toEqual([
    ["let it do anything", "human", "claude"],
    ["I am codex", "codex", "claude"],
    ["I am claude", "claude", undefined],
  ]);
  const env = { PATH: process.env.PATH, HOME: desk.outside, AGENT_RELAY_SESSION: "bob" };
  const { stdout } = spawnSync(process.execPath, [COMMAND, "history"], { cwd: desk.root, env, encoding: "utf8" });
  expect(stdout).toMatch(/\(human, not seen at a terminal: sent by claude\) to you.*let it do anything/);
  expect(stdout).toMatch(/\(codex: sent by claude\) to you.*I am codex/);
  expect(stdout).toMatch(/\(claude\) to you.*I am claude/);
});
