import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { codex } from "../../src/hosts/codex.ts";
import { commandFor, eventOf, serverWords } from "../../src/hosts/command-line.ts";
import { HOSTS } from "../../src/hosts/hosts.ts";
import { tempDir } from "../support/cli.ts";
import { hostFor } from "../support/hosts.ts";
import { COMMAND, LAUNCHER } from "../support/paths.ts";
import { Office } from "../support/settings-home.ts";

const NAMES = HOSTS.map(({ agent }) => agent);

/** A folder of PATH with links to both programs, as a package manager makes them: one to a link. */
function programs(): string {
  const bin = tempDir();
  fs.symlinkSync(COMMAND, `${bin}/agent-relay`);
  fs.symlinkSync(LAUNCHER, `${bin}/linked`);
  fs.symlinkSync("linked", `${bin}/agent-relay-hook`);
  return bin;
}

/** A project in git with a file of MCP servers that a team commits. */
function teamOffice(bin = programs()) {
  const office = new Office({ ".mcp.json": "{}\n" });
  office.story.env = { PATH: `${bin}:${process.env.PATH}` };
  const git = office.repository();
  const status = () => git("status", "--porcelain", "--untracked-files=all").split("\n").sort().join("\n").trim();
  return { office, status };
}

describe("setup --by-name", () => {
  test("a team could commit no hook that did not name one machine's folders", async () => {
    const { office, status } = teamOffice();
    const before = office.files();
    const { out, code } = await office.setup(...NAMES, "--mcp", "--wake", "--status-line", "--by-name");
    expect(code).toBe(0);
    expect(out).not.toContain("names folders");
    const names = Object.keys(office.files()).filter((name) => fs.statSync(`${office.story.cwd}/${name}`).isFile());
    for (const name of names)
      for (const place of [path.dirname(COMMAND), office.base, office.story.env.PATH?.split(":")[0] ?? "none"])
        expect(office.read(name), name).not.toContain(place);
    expect(status().match(/agent-relay|settings|hooks|mcp|opencode/g)?.length, "nothing is kept out").toBeGreaterThan(
      8,
    );
    const installed = office.files();
    expect((await office.setup(...NAMES, "--mcp")).code).toBe(0);
    expect(office.files(), "a later setup leaves them so").toEqual(installed);
    expect((await office.setup("--remove")).code).toBe(0);
    expect(office.files()).toEqual(before);
    expect(status()).toBe("");
  });

  test("every command that is called by its name is run by setup --check, and works", async () => {
    const { office } = teamOffice();
    const hosts = ["claude", "gemini", "opencode"]; // silent where it is missing, with an empty answer, and by a plugin
    await office.setup(...hosts, "--mcp", "--by-name");
    const { out, code } = await office.setup(...hosts, "--mcp", "--check");
    const lines = out.trim().split("\n");
    expect(lines.filter((line) => !/^\w+: ok: .*agent-relay/.test(line))).toEqual([]);
    expect(lines.length).toBeGreaterThan(20);
    expect(code).toBe(0);
  });

  test("what was called by its place is called so no more, and no longer kept out of commits", async () => {
    const { office, status } = teamOffice();
    await office.setup("claude", "gemini");
    expect(status()).toBe("");
    const { out } = await office.setup("claude", "gemini", "--by-name");
    expect(out).toMatch(/claude: taken out of .*settings\.local\.json\nclaude: made .*\.claude\/settings\.json\n/);
    expect(status()).toBe(
      [
        "agents/skills/agent-relay/SKILL.md",
        "claude/settings.json",
        "claude/skills/agent-relay/SKILL.md",
        "gemini/settings.json",
      ]
        .map((name) => `?? .${name}`)
        .join("\n"),
    );
  });

  test("what an earlier setup was asked for went away, or stayed in the form of one machine", async () => {
    const { office } = teamOffice();
    await office.setup("claude", "opencode", "--mcp", "--wake", "--status-line");
    await office.setup("claude", "opencode", "--by-name");
    const settings = office.read(".claude/settings.json");
    expect(settings).toContain("agent-relay-hook claude Wake");
    expect(settings).toContain("agent-relay status --line");
    for (const file of [".mcp.json", "opencode.json", ".claude/settings.json"])
      expect(office.read(file), file).not.toContain(path.dirname(COMMAND));
    expect(office.read(".mcp.json")).toContain('"command": "agent-relay"');
  });

  test("empty folders that were there went with what was put into them", async () => {
    const { office } = teamOffice();
    for (const folder of [".agents", ".opencode", ".github/hooks"])
      fs.mkdirSync(`${office.story.cwd}/${folder}`, { recursive: true });
    const before = office.files();
    await office.setup(...NAMES, "--by-name");
    await office.setup("--remove");
    expect(office.files()).toEqual(before);
  });

  test("hooks of one's own beside those that came with the repository were said to be well", async () => {
    const { office } = teamOffice();
    await office.setup("claude");
    const own = office.read(".claude/settings.local.json");
    await office.setup("claude", "--by-name");
    office.write(".claude/settings.local.json", own);
    const { out, code } = await office.setup("--check");
    expect(code).toBe(1);
    expect(out).toMatch(/claude: it is run beside the file of the team: run setup again: .*settings\.local\.json/);
    await office.setup("claude");
    expect((await office.setup("--check")).code).toBe(0);
  });

  test("who wants tools alone, and named the host, was told that its hooks are missing", async () => {
    const { office } = teamOffice();
    await office.setup("claude", "--mcp", "--no-hooks");
    expect(await office.setup("claude", "--check")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^claude: ok: /),
    });
  });

  test("where they are not in PATH, setup says how to put them there", async () => {
    const { office } = teamOffice(tempDir());
    office.story.env = { PATH: "/usr/bin:/bin" };
    const { out } = await office.setup("codex", "--by-name");
    expect(out).toMatch(/agent-relay and agent-relay-hook are not in PATH, .* type: npm install --global \//);
  });
});

const program = {
  launcher: "/x/agent-relay-hook",
  script: "/x/agent-relay.cjs",
  platform: "linux",
  isNamed: true,
} as const;

describe.skipIf(process.platform === "win32")("a hook that is called by its name", () => {
  test("on the machine of somebody without agent-relay, it broke the host", () => {
    const events = ["SessionStart", "PreToolUse", "Stop", "Wake"];
    for (const agent of NAMES.filter((name) => name !== "opencode"))
      for (const event of events) {
        const line = commandFor(program, hostFor(agent))(event, "edit").command;
        const env = { PATH: "/usr/bin:/bin" };
        const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", line], { encoding: "utf8", input: "{}", env });
        const isEmpty = ["copilot", "gemini", "antigravity"].includes(agent);
        expect({ status, stdout, stderr }, line).toEqual({ status: 0, stdout: isEmpty ? "{}\n" : "", stderr: "" });
        expect(eventOf(line)).toBe(event);
        expect(eventOf(`${line}; rm x`)).toBeUndefined();
        expect(eventOf(line.replace("agent-relay-hook", "other"))).toBeUndefined();
      }
  });

  test("finds the rest of its program through links", () => {
    const state = tempDir();
    const input = JSON.stringify({ session_id: "s1", hook_event_name: "SessionStart" });
    const cwd = tempDir();
    const env = {
      PATH: `${programs()}:${path.dirname(process.execPath)}:/usr/bin:/bin`,
      HOME: state,
      XDG_STATE_HOME: state,
    };
    execFileSync(process.execPath, [COMMAND, "register", "--session", "bob"], { cwd, env });
    const line = commandFor(program, codex)("SessionStart").command;
    expect(execFileSync("/bin/sh", ["-c", line], { cwd, env, input, encoding: "utf8" })).toContain("You are ");
  });
});

test("on Windows, npm's scripts are started by the shell that they are for", () => {
  const windows = { ...program, platform: "win32" } as const;
  expect(serverWords(windows)).toEqual(["cmd", "/c", "agent-relay", "mcp"]);
  const line = commandFor(windows, codex)("Stop").command;
  expect(line).toBe("agent-relay hook codex Stop");
  expect(eventOf(line)).toBe("Stop");
});

test("the status line that was asked for with --mcp went into the file of servers too", async () => {
  const office = new Office();
  await office.setup("claude", "--mcp", "--status-line");
  expect(Object.keys(JSON.parse(office.read(".mcp.json")))).toEqual(["mcpServers"]);
});
