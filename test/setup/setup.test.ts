import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { HOSTS } from "../../src/hosts/hosts.ts";
import { COMMAND } from "../support/paths.ts";
import { FOREIGN, Office } from "../support/settings-home.ts";

const isRoot = process.getuid?.() === 0;

describe("what setup writes", () => {
  test.each(Object.entries(FOREIGN))(
    "into a file with %s is in it once, and taken out byte for byte",
    async (_, text) => {
      for (const { agent, projectFile } of HOSTS.filter((host) => !host.text)) {
        const office = new Office({ [projectFile]: text });
        const before = office.files();
        expect((await office.setup(agent)).code, agent).toBe(0);
        const installed = office.files();
        expect(office.read(projectFile).match(/agent-relay-hook/g)?.length, agent).toBeGreaterThan(2);
        expect((await office.setup(agent)).out, "again it writes nothing").toContain("already in");
        expect(office.files()).toEqual(installed);
        expect((await office.setup("--remove")).code).toBe(0);
        expect(office.files(), agent).toEqual(before);
      }
    },
  );

  test("where there was nothing leaves nothing when it is taken away, not even a folder", async () => {
    const office = new Office();
    const names = HOSTS.map(({ agent }) => agent);
    expect((await office.setup(...names)).code).toBe(0);
    expect(Object.keys(office.files()).filter((name) => /\.js(on)?$/.test(name))).toHaveLength(7);
    await office.setup("--remove");
    expect(office.files()).toEqual({});
  });

  test("names folders of this machine, and went into everybody's commits: git passes over what setup made, and it tells of what git tracks", async () => {
    const office = new Office({ ".mcp.json": "{}\n", ".github/copilot.md": "" });
    const git = office.repository();
    const exclude = `${office.story.cwd}/.git/info/exclude`;
    fs.writeFileSync(exclude, "*.log");
    const names = HOSTS.map(({ agent }) => agent);
    const { out } = await office.setup(...names, "--mcp");
    expect(git("status", "--porcelain", "--untracked-files=all")).toBe(" M .mcp.json\n");
    expect(out).toContain("Git tracks .mcp.json, and what is written there names folders of this machine");
    expect(out).toContain(`git: kept out of commits, by ${exclude}\n`);
    const listed = fs.readFileSync(exclude, "utf8");
    expect(listed).toMatch(/^\*\.log\n# agent-relay setup: /);
    await office.setup(...names, "--mcp");
    expect(fs.readFileSync(exclude, "utf8"), "again the same").toBe(listed);
    expect((await office.setup("--remove")).code).toBe(0);
    expect(fs.readFileSync(exclude, "utf8"), "byte for byte").toBe("*.log");
    await office.setup(...names, "--mcp");
    fs.appendFileSync(exclude, "mine\n");
    await office.setup("codex", "--remove");
    expect(git("status", "--porcelain", "--untracked-files=all"), "the other hosts' files are kept out still").toBe(
      " M .mcp.json\n",
    );
    expect((await office.setup("--remove")).code).toBe(0);
    expect(fs.readFileSync(exclude, "utf8")).toBe("*.log\nmine\n");
    expect(git("status", "--porcelain", "--untracked-files=all")).toBe("");
  });

  test("keeps what others wrote since, when it is taken away", async () => {
    const office = new Office({ ".claude/settings.local.json": '{\n  "model": "x"\n}\n' });
    await office.setup("claude");
    const mine = '{"type":"command","command":"mine"}';
    const text = office.read(".claude/settings.local.json").replace('"model": "x"', '"model": "y" /* mine */');
    office.write(".claude/settings.local.json", text.replace('"hooks": [', `"hooks": [${mine},`));
    await office.setup("--remove");
    const left = office.read(".claude/settings.local.json");
    expect(left).not.toContain("agent-relay");
    expect(left).toContain('"model": "y" /* mine */');
    expect(left, "as they wrote it").toContain(mine);
  });

  test("of an older place of the launcher is replaced, not doubled", async () => {
    const office = new Office();
    await office.setup("codex");
    const file = ".codex/hooks.json";
    const now = office.read(file);
    office.write(file, now.replace(/"[^"]*agent-relay-hook/g, '"/old/place/agent-relay-hook'));
    await office.setup("codex");
    expect(JSON.parse(office.read(file))).toEqual(JSON.parse(now));
  });

  test("goes through a link to where the settings really are", async () => {
    const office = new Office();
    const real = `${office.story.cwd}/dotfiles.json`;
    fs.writeFileSync(real, "{}\n");
    fs.mkdirSync(`${office.story.cwd}/.claude`);
    fs.symlinkSync(real, `${office.story.cwd}/.claude/settings.local.json`);
    await office.setup("claude");
    expect(fs.readFileSync(real, "utf8")).toContain("agent-relay-hook");
    await office.setup("--remove");
    expect(fs.readFileSync(real, "utf8")).toBe("{}\n");
    expect(fs.lstatSync(`${office.story.cwd}/.claude/settings.local.json`).isSymbolicLink()).toBe(true);
  });

  test("followed links that a repository had brought out of the project: into the user's own settings, and a start file", async () => {
    const office = new Office();
    const mine = `${office.base}/settings.json`;
    fs.writeFileSync(mine, "{}\n");
    fs.mkdirSync(`${office.story.cwd}/.claude`);
    fs.symlinkSync(mine, `${office.story.cwd}/.claude/settings.local.json`);
    fs.symlinkSync(office.base, `${office.story.cwd}/.agents`);
    const { code, out } = await office.setup("claude", "codex");
    expect(code).toBe(6);
    expect(out).toContain(`links in this project lead from it to "${mine}"`);
    expect(out).toContain("agent-relay setup --user");
    expect(fs.readFileSync(mine, "utf8")).toBe("{}\n");
    expect(fs.existsSync(`${office.base}/skills`)).toBe(false);
  });

  test("waited for ever for a pipe in the place of a file", async () => {
    const office = new Office();
    fs.mkdirSync(`${office.story.cwd}/.claude`);
    execFileSync("mkfifo", [`${office.story.cwd}/.claude/settings.local.json`]);
    expect(await office.setup("claude", "--dry-run")).toMatchObject({
      code: 6,
      out: expect.stringContaining("it is no file"),
    });
  });

  test("with --dry-run is shown, and not written", async () => {
    const office = new Office();
    const { out } = await office.setup("claude", "--dry-run");
    expect(out).toContain("would be written to");
    expect(out).toMatch(/\+ .*agent-relay-hook",\n\+ *"args": \[\n\+ *"claude",\n\+ *"Stop"\n/);
    expect(office.files()).toEqual({});
    expect(fs.existsSync(`${office.story.cwd}/.relay`)).toBe(false);
  });

  test("with --user stands in the home folder, and makes no relay", async () => {
    const office = new Office();
    await office.setup("claude", "--user");
    expect(office.files()).toEqual({});
    expect(fs.readFileSync(`${office.base}/.claude/settings.json`, "utf8")).toContain("agent-relay-hook");
    await office.setup("--user", "--remove");
    expect(fs.existsSync(`${office.base}/.claude`)).toBe(false);
  });

  test("is what each host takes: Codex no other key, Gemini times in ms, Antigravity a bundle, Cursor and Copilot a version", async () => {
    const office = new Office();
    await office.setup(...HOSTS.map(({ agent }) => agent));
    const json = (file: string) => JSON.parse(office.read(file));
    expect(Object.keys(json(".codex/hooks.json"))).toEqual(["hooks"]);
    expect(json(".gemini/settings.json").hooks.BeforeAgent[0].hooks[0]).toMatchObject({ timeout: 5000 });
    expect(Object.keys(json(".agents/hooks.json"))).toEqual(["agent-relay"]);
    expect(json(".cursor/hooks.json")).toMatchObject({ version: 1, hooks: { stop: [{ loop_limit: 5 }] } });
    expect(json(".github/hooks/agent-relay.json")).toMatchObject({
      version: 1,
      hooks: { agentStop: [{ timeoutSec: 10 }] },
    });
    expect(office.read(".claude/settings.local.json")).toMatch(
      /"command": "\/[^"]*\/bin\/agent-relay-hook",\s*"args": \[\s*"claude",\s*"SessionStart"\s*\]/,
    );
  });
});

describe("what setup leaves alone", () => {
  test.each(["{ nonsense", '{"a":1', "[]", "null", '"text"', "\0"])("%j, which is no JSON object", async (text) => {
    const office = new Office({ ".gemini/settings.json": text });
    const before = office.files();
    const { code, out } = await office.setup("gemini");
    expect(code).toBe(1);
    expect(out).toMatch(/gemini: Cannot set up .*it is not JSON.*left as it is/);
    expect(office.files()[".gemini/settings.json"]).toBe(before[".gemini/settings.json"]);
    expect((await office.setup("--remove")).code).toBe(1);
    expect(office.files()).toEqual(before);
  });

  test("a plugin of that name that somebody else wrote", async () => {
    const office = new Office({ ".opencode/plugins/agent-relay.js": "export const mine = 1;" });
    expect((await office.setup("opencode")).out).toContain("it is somebody else's, and is left as it is");
    await office.setup("--remove");
    expect(office.read(".opencode/plugins/agent-relay.js")).toBe("export const mine = 1;");
  });

  test("a skill of that name that somebody else wrote", async () => {
    const office = new Office({ ".claude/skills/agent-relay/SKILL.md": "mine" });
    expect((await office.setup("claude")).out).toContain("left alone, it is not ours");
    await office.setup("--remove");
    expect(office.files()).toHaveProperty([".claude/skills/agent-relay/SKILL.md"]);
    expect(office.read(".claude/skills/agent-relay/SKILL.md")).toBe("mine");
  });

  test.skipIf(isRoot)("a file that may not be written", async () => {
    const office = new Office({ ".claude/settings.local.json": "{}" });
    fs.chmodSync(`${office.story.cwd}/.claude/settings.local.json`, 0o400);
    expect((await office.setup("claude")).code).toBe(6);
    expect(office.read(".claude/settings.local.json")).toBe("{}");
  });
});

test("setup --check runs what is installed on a real payload, and says what is not as it should be", async () => {
  const office = new Office();
  office.story.isReal = true;
  await office.setup("claude", "codex", "opencode");
  const well = await office.setup("claude", "codex", "opencode", "--check");
  expect(
    well.out
      .split("\n")
      .filter((line) => line !== "")
      .every((line) => /^\w+: ok: /.test(line)),
    well.out,
  ).toBe(true);
  expect(well.code).toBe(0);
  const file = ".codex/hooks.json";
  office.write(
    file,
    office.read(file).replace(/"[^"]*agent-relay-hook codex Stop/, '"/gone/agent-relay-hook codex Stop'),
  );
  const ill = await office.setup("codex", "--check");
  expect(ill.code).toBe(1);
  expect(ill.out).toMatch(
    /codex: it is not what setup writes now, and was not run: .*\/gone\/agent-relay-hook codex Stop\n/,
  );
  expect((await office.setup("cursor", "--check")).out).toContain("cursor: no hook of ours is in it");
});

test("without any host that is installed, setup says so", async () => {
  const office = new Office();
  expect(await office.setup()).toMatchObject({ code: 3, err: expect.stringContaining("agent-relay setup claude") });
  fs.mkdirSync(`${office.base}/.codex`);
  expect((await office.setup("--dry-run")).out).toContain("codex: would be written to");
});

test("the skill names every verb a model may use, and what is always loaded of it is short", async () => {
  const office = new Office();
  await office.setup("claude");
  const text = office.read(".claude/skills/agent-relay/SKILL.md");
  const [, head = "", body = ""] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text) ?? [];
  expect(head).toMatch(/^name: agent-relay\ndescription: ".{1,1024}"$/);
  expect(head.length / 4, "tokens").toBeLessThan(400);
  for (const verb of ["send", "inbox", "claim", "task", "wait", "status", "reply", "release"])
    expect(body).toMatch(new RegExp(`agent-relay ${verb}[ \`]`));
});

test("a status line is added to Claude Code if it was asked for and there is none, and taken out again", async () => {
  const office = new Office();
  const file = ".claude/settings.local.json";
  await office.setup("claude", "--status-line");
  expect(JSON.parse(office.read(file)).statusLine.command).toMatch(/^node \/.*agent-relay\.cjs status --line$/);
  expect((await office.setup("claude")).out, "setup without it leaves it").toContain("already in");
  office.story.stdin = JSON.stringify({ session_id: "s1", workspace: {} });
  await office.story.as("bob", "send", "hello");
  await office.story.as("s1", "register");
  expect((await office.story.as(undefined, "status", "--line")).out).toBe("relay: 1 unread, 1 here\n");
  await office.setup("--remove");
  expect(office.files()).toEqual({});
  const mine = new Office({ [file]: '{"statusLine":{"type":"command","command":"mine"}}' });
  await mine.setup("claude", "--status-line");
  expect(JSON.parse(mine.read(file)).statusLine.command).toBe("mine");
});

test("an idle agent is woken only if that was asked for; setup without it leaves it, and all of it is taken out again", async () => {
  const foreign = '{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"say done"}]}]}}';
  const [claude, opencode] = [".claude/settings.local.json", ".opencode/plugins/agent-relay.js"];
  const office = new Office({ [claude]: foreign });
  const before = office.files();
  const waking = () =>
    Object.entries<{ hooks: { asyncRewake?: boolean; command: string }[] }[]>(JSON.parse(office.read(claude)).hooks)
      .filter(([, groups]) => groups.some(({ hooks }) => hooks.some((hook) => hook.asyncRewake)))
      .map(([event]) => event);
  await office.setup("claude", "opencode");
  expect(waking()).toEqual([]);
  expect(office.read(opencode)).toContain("const WAKES = false;");
  const asked = await office.setup("claude", "opencode", "codex", "gemini", "--wake");
  expect(asked.out).toContain("No hook of codex can wake it; agent-relay daemon run --wake --agent codex");
  expect(asked.out).toContain("No hook of gemini can wake it\n");
  expect(waking().sort()).toEqual(["SessionStart", "Stop"]);
  expect(office.read(opencode)).toContain("const WAKES = true;");
  const installed = office.files();
  expect((await office.setup("claude", "opencode")).out).not.toContain("added to");
  expect(office.files()).toEqual(installed);
  expect((await office.setup("claude", "--check")).code, "to prove it waits for no mail").toBe(0);
  await office.setup("--remove");
  expect(office.files()).toEqual(before);
});

test("hosts are told of the MCP server only if that was asked for, each where it looks, and all of it is taken out again", async () => {
  const foreign = '{\n  "mcpServers": { "other": { "command": "x" } } // mine\n}\n';
  const files = { ".mcp.json": foreign, ".gemini/settings.json": foreign, "opencode.json": '{"theme":"x"}' };
  const office = new Office(files);
  const before = office.files();
  const names = HOSTS.map(({ agent }) => agent);
  await office.setup(...names);
  expect(office.read(".mcp.json")).toBe(foreign);
  const asked = await office.setup(...names, "--mcp");
  expect(asked.out).toMatch(
    /To tell codex of the MCP server, type: codex mcp add agent-relay -- \/.*agent-relay\.cjs mcp\n/,
  );
  const entry = (file: string, at: string) => JSON.parse(office.read(file).replace("// mine", ""))[at]["agent-relay"];
  const command = expect.stringMatching(/^\/.*\/bin\/agent-relay\.cjs$/);
  for (const file of [".mcp.json", ".gemini/settings.json", ".cursor/mcp.json", ".agents/mcp_config.json"])
    expect(entry(file, "mcpServers"), file).toEqual({ command, args: ["mcp"] });
  expect(entry(".github/mcp.json", "mcpServers")).toEqual({ type: "local", command, args: ["mcp"], tools: ["*"] });
  expect(entry("opencode.json", "mcp")).toEqual({ type: "local", command: [command, "mcp"], enabled: true });
  const installed = office.files();
  expect((await office.setup(...names)).out, "setup without it leaves it").not.toContain("added to");
  expect((await office.setup(...names, "--mcp")).out).not.toMatch(/added to|made/);
  expect(office.files()).toEqual(installed);
  const checked = await office.setup("claude", "gemini", "opencode", "--check");
  expect(checked.out).toMatch(/opencode: ok: \/.*agent-relay\.cjs mcp\n/);
  expect(checked.out.split("\n").filter((line) => !/: ok: |^$/.test(line))).toEqual([
    expect.stringMatching(/^claude: claude drops the whole of .*\.mcp\.json: line \d+ has a comment: /),
  ]);
  await office.setup("--remove");
  expect(office.files()).toEqual(before);
});

test("who wants tools alone gets no hook, and what of hooks is there already stays", async () => {
  const names = HOSTS.map(({ agent }) => agent);
  const office = new Office();
  const before = office.files();
  const { out } = await office.setup(...names, "--mcp", "--no-hooks");
  expect(out).not.toContain("hook");
  const written = office.files();
  expect(Object.keys(written).filter((name) => /hooks|settings\.local|plugins|SKILL/.test(name))).toEqual([]);
  expect(JSON.parse(office.read(".gemini/settings.json"))).toEqual({
    mcpServers: { "agent-relay": expect.anything() },
  });
  expect(JSON.parse(office.read(".mcp.json"))).toEqual({ mcpServers: { "agent-relay": expect.anything() } });
  const checked = await office.setup("--check", "--no-hooks");
  expect(checked).toMatchObject({ code: 0, err: "" });
  expect(checked.out.match(/: ok: /g)).toHaveLength(6);
  expect((await office.setup("--check")).code, "which finds nothing missing either").toBe(0);
  await office.setup("--remove");
  expect(office.files()).toEqual(before);
  await office.setup("gemini", "claude");
  const hooked = office.files();
  await office.setup("gemini", "claude", "--mcp", "--no-hooks");
  expect(office.read(".gemini/settings.json")).toMatch(/"hooks"[\s\S]*"mcpServers"/);
  await office.setup("gemini", "claude", "--mcp");
  expect(office.files()).toMatchObject(
    Object.fromEntries(Object.entries(hooked).filter(([name]) => !name.includes(".gemini"))),
  );
  for (const flags of [["--no-hooks"], ["--no-hooks", "--mcp", "--wake"]])
    expect((await office.setup("claude", ...flags)).code).toBe(2);
});

test("what OpenCode would put beside its MCP entry stands there at once, and nothing is left of a file that it has written anew", async () => {
  const office = new Office();
  const before = office.files();
  await office.setup("opencode", "--mcp");
  const written = JSON.parse(office.read("opencode.json"));
  expect(written.$schema).toBe("https://opencode.ai/config.json");
  office.write("opencode.json", JSON.stringify(written));
  await office.setup("--remove");
  expect(office.files()).toEqual(before);
});

test("an MCP entry that cannot be started, or that is somebody else's, is told of", async () => {
  const mine = '{"mcpServers":{"agent-relay":{"command":"mine"}}}';
  const office = new Office({ ".mcp.json": mine });
  expect(await office.setup("claude", "--mcp")).toMatchObject({
    code: 1,
    out: expect.stringContaining('"mcpServers.agent-relay" in it is somebody else\'s'),
  });
  expect(office.read(".mcp.json")).toBe(mine);
  office.write(".mcp.json", '{"mcpServers":{"agent-relay":{"command":"/gone/agent-relay.cjs","args":["mcp"]}}}');
  expect((await office.setup("claude", "--check")).out).toContain(
    "claude: it is not what setup writes now, and was not run: run setup --mcp again: /gone/agent-relay.cjs mcp",
  );
});

test("setup --check ran commands that a cloned repository had brought, which only looked like ours", async () => {
  const office = new Office();
  await office.setup("claude", "--mcp");
  const mark = `${office.story.cwd}/was-run`;
  const evil = `${office.story.cwd}/agent-relay-hook`;
  office.write("agent-relay-hook", `#!/bin/sh\ntouch ${mark}\n`);
  fs.chmodSync(evil, 0o755);
  const settings = office.read(".claude/settings.local.json");
  const ours = /"command": "[^"]*agent-relay-hook",\s*"args": \[\s*"claude",\s*"Stop"\s*\]/;
  expect(settings).toMatch(ours);
  for (const entry of [
    { command: `${evil} claude Stop` },
    { command: `touch ${mark}; x/agent-relay-hook claude Stop` },
    { command: `'${evil}' claude Stop` },
    { command: evil, args: ["claude", "Stop"] },
    { command: "touch", args: [mark, "agent-relay-hook", "claude", "Stop"] },
  ]) {
    office.write(".claude/settings.local.json", settings.replace(ours, JSON.stringify(entry).slice(1, -1)));
    expect((await office.setup("claude", "--check")).code, JSON.stringify(entry)).toBe(1);
  }
  office.write(".claude/settings.local.json", settings);
  for (const entry of [
    { command: "touch", args: [mark, "agent-relay.cjs", "mcp"] },
    { command: evil.replace("-hook", ".cjs"), args: ["mcp"] },
  ]) {
    office.write(".mcp.json", JSON.stringify({ mcpServers: { "agent-relay": entry } }));
    await office.setup("claude", "--check");
  }
  const good = await office.setup("claude", "--mcp").then(() => JSON.parse(office.read(".mcp.json")));
  good.mcpServers["agent-relay"] = { command: COMMAND, args: ["mcp"], env: { NODE_OPTIONS: `--require ${evil}` } };
  office.write(".mcp.json", JSON.stringify(good));
  expect((await office.setup("claude", "--check")).out).toContain("was not run");
  expect(fs.existsSync(mark)).toBe(false);
});

test.each(["// mine\n{}", '{\n  "model": "x",\n}'])(
  "%j was set up and called ok, and Claude Code loads nothing of it",
  async (text) => {
    const office = new Office({ ".claude/settings.local.json": text });
    const said = await office.setup("claude");
    expect(said.out).toMatch(
      /claude DROPS THE WHOLE of .*settings\.local\.json: line \d+ has a (comment|comma too many)/,
    );
    const checked = await office.setup("claude", "--check");
    expect(checked.code).toBe(1);
    expect(checked.out).toContain("claude drops the whole file");
    await office.setup("--remove");
    expect(office.read(".claude/settings.local.json")).toBe(text);
  },
);

test("hooks that only look like ours were taken out", async () => {
  const mine = [
    "my-wrapper agent-relay-hook claude Stop",
    "agent-relay-hook claude Stop && say done",
    "echo agent-relay-hook claude Stop",
    "/opt/tools/agent-relay-hook-of-mine claude Stop",
  ];
  const hooks = { Stop: mine.map((command) => ({ hooks: [{ type: "command", command }] })) };
  const statusLine = { type: "command", command: "date; node /x/agent-relay.cjs status --line" };
  const text = JSON.stringify({ hooks, statusLine }, null, 2);
  const office = new Office({ ".claude/settings.local.json": text });
  await office.setup("claude");
  office.write(".claude/settings.local.json", `${office.read(".claude/settings.local.json")} `);
  await office.setup("--remove");
  expect(JSON.parse(office.read(".claude/settings.local.json"))).toEqual(JSON.parse(text));
});

test("who typed the MCP entry for Codex is told, when all is taken away, what takes that away too", async () => {
  const office = new Office();
  expect((await office.setup("--remove")).out).not.toContain("codex mcp");
  const config = `${office.base}/.codex/config.toml`;
  fs.mkdirSync(`${office.base}/.codex`);
  fs.writeFileSync(config, '[mcp_servers.agent-relay]\ncommand = "/x/agent-relay.cjs"\n');
  expect((await office.setup("--remove")).out).toContain("To end that, type: codex mcp remove agent-relay\n");
  expect(fs.readFileSync(config, "utf8")).toContain("[mcp_servers.agent-relay]");
});

test("in the home folder, Claude Code's own command is to be typed: its file there is its own", async () => {
  const office = new Office();
  const { out } = await office.setup("claude", "--mcp", "--user");
  expect(out).toMatch(/type: claude mcp add --scope user agent-relay -- \/.*agent-relay\.cjs mcp\n/);
  await office.setup("--remove", "--user");
});

test("a plugin for Claude Code is written into a new folder, never over an old one", async () => {
  const office = new Office();
  expect((await office.setup("--plugin", "out/plugin")).out).toContain("claude --plugin-dir");
  expect(JSON.parse(office.read("out/plugin/.claude-plugin/plugin.json"))).toMatchObject({ name: "agent-relay" });
  const { hooks } = JSON.parse(office.read("out/plugin/hooks/hooks.json"));
  expect(Object.keys(hooks)).toContain("PostToolBatch");
  expect(office.read("out/plugin/skills/agent-relay/SKILL.md")).toContain("name: agent-relay");
  expect((await office.setup("--plugin", "out/plugin")).code).toBe(1);
  expect(fs.existsSync(`${office.story.cwd}/.relay`)).toBe(false);
});
