import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { claude } from "../../src/hosts/claude.ts";
import { commandFor, eventOf, seemsOurs } from "../../src/hosts/command-line.ts";
import { HOSTS } from "../../src/hosts/hosts.ts";
import { pluginFor, programIn } from "../../src/hosts/opencode-plugin-file.ts";
import { mcpFile } from "../../src/hosts/settings.ts";
import { checkedServer } from "../../src/setup/check-server.ts";
import { diff } from "../../src/setup/diff.ts";
import { settingsIn, withoutSetting, withSettings } from "../../src/setup/jsonc.ts";
import { tempDir } from "../support/cli.ts";
import { hostFor } from "../support/hosts.ts";
import { ROOT } from "../support/paths.ts";
import { FOREIGN, Office } from "../support/settings-home.ts";

const CLAUDE = ".claude/settings.local.json";
const CODEX = ".codex/hooks.json";
const CURSOR = ".cursor/hooks.json";
const GEMINI = ".gemini/settings.json";
const SKILL = ".agents/skills/agent-relay/SKILL.md";

describe("a relay that came from elsewhere", () => {
  const FOREIGN_RELAY = { format: 2, id: "relay-x", created_at: "2026-05-01T12:00:00Z", mark: "0".repeat(32) };

  test.each([
    ["with a stranger's mark", { ".relay/relay.json": JSON.stringify(FOREIGN_RELAY) }],
    ["with none, but with mail", { ".relay/messages/a.json": "{}" }],
  ])(
    "%s stayed untrusted after a person's setup; an agent's setup says what a person has to type",
    async (_, files) => {
      const office = new Office(files);
      const trusted = async () => (await office.story.as("bob", "whoami")).out;
      const asAgent = await office.setup("claude");
      expect(asAgent).toMatchObject({
        code: 6,
        out: expect.stringMatching(/relay: Cannot trust .*type: agent-relay trust/),
      });
      expect(office.read(CLAUDE), "hooks are set up all the same").toContain("agent-relay-hook");
      expect(await trusted()).toContain("trusted  no");
      office.story.isTerminal = true;
      expect((await office.story.as("claude-1", "setup", "claude")).code, "a terminal is not enough").toBe(6);
      const asPerson = await office.story.as(undefined, "setup", "claude", "--agent", "human", "--session", "ann");
      expect(asPerson).toMatchObject({ code: 0, out: expect.stringMatching(/relay: trusted .*\.relay\n/) });
      expect(await trusted()).toContain("trusted  yes");
    },
  );
});

describe("setup --check", () => {
  /** What it says of each host that is not as it should be. */
  async function faults(office: Office, ...args: string[]): Promise<string[]> {
    const { code, out } = await office.setup("--check", ...args);
    const found = out.split("\n").filter((line) => line !== "" && !/^\w+: ok: /.test(line));
    expect(code).toBe(found.length === 0 ? 0 : 1);
    return found;
  }

  test("proves that each host's agents are greeted, in that host's words", async () => {
    const office = new Office();
    office.story.isReal = true;
    await office.setup(...HOSTS.map(({ agent }) => agent));
    expect(await faults(office)).toEqual([]);
  });

  test("was content without node in PATH, where no hook ever says anything", async () => {
    const office = new Office();
    await office.setup("claude", "codex", "opencode");
    office.story.env = { PATH: tempDir() };
    const found = await faults(office);
    for (const host of ["claude", "codex", "opencode"])
      expect(found).toContainEqual(expect.stringMatching(`^${host}: it greets no agent: is node in PATH`));
  });

  test("was content with one of nine events, and with a command of before", async () => {
    const office = new Office();
    office.story.isReal = true;
    await office.setup("claude", "cursor");
    const { SessionStart } = JSON.parse(office.read(CLAUDE)).hooks;
    office.write(CLAUDE, JSON.stringify({ hooks: { SessionStart } }));
    office.write(CURSOR, office.read(CURSOR).replace("preToolUse", "beforeReadFile"));
    const found = (await faults(office)).join("\n");
    for (const event of ["UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolBatch", "Stop", "SessionEnd"])
      expect(found).toContain(`claude: "hooks.${event}" is not as setup writes it: run setup again`);
    expect(found).toContain('cursor: "hooks.preToolUse" is not as setup writes it');
    await office.setup("claude", "cursor");
    expect(await faults(office)).toEqual([]);
  });

  test("did not see that hooks are switched off", async () => {
    const office = new Office();
    office.story.isReal = true;
    await office.setup("claude", "gemini");
    fs.mkdirSync(`${office.base}/.claude`);
    fs.writeFileSync(`${office.base}/.claude/settings.json`, '{"disableAllHooks": true}');
    const installed = office.read(GEMINI);
    for (const hooksConfig of [{ enabled: false }, { disabled: ["agent-relay"] }]) {
      office.write(GEMINI, JSON.stringify({ ...JSON.parse(installed), hooksConfig }));
      expect(await faults(office)).toEqual([
        `claude: hooks are switched off in it: ${office.base}/.claude/settings.json`,
        `gemini: hooks are switched off in it: ${office.story.cwd}/${GEMINI}`,
      ]);
    }
    office.write(".claude/settings.json", '{"disableAllHooks": false}');
    expect(await faults(office, "claude"), "a project's own word is the stronger").toEqual([]);
  });

  test("took the event from the wrong place where the launcher's path has spaces", async () => {
    const office = new Office();
    office.story.isReal = true;
    const place = `${office.base}/a person's tools`;
    for (const name of ["bin", "dist", "package.json"])
      fs.cpSync(`${ROOT}/${name}`, `${place}/${name}`, { recursive: true });
    office.story.script = `${place}/bin/agent-relay.cjs`;
    await office.setup(...HOSTS.map(({ agent }) => agent));
    expect(await faults(office)).toEqual([]);
    expect((await office.setup("--check")).out).toMatch(/claude: ok: '.*\/a person'\\''s tools\/bin.*' claude Stop\n/);
    expect((await office.setup("claude")).out).toContain("already in");
    await office.setup("--remove");
    expect(office.files()).toEqual({});
  });

  test("blamed a host that is installed but was never set up", async () => {
    const office = new Office();
    office.story.isReal = true;
    fs.mkdirSync(`${office.base}/.codex`);
    const nothing = await office.setup("--check");
    expect(nothing).toMatchObject({
      code: 1,
      err: expect.stringMatching(/nothing .* set up in .*\nTry: agent-relay setup\n/),
    });
    await office.setup("claude");
    expect(await faults(office)).toEqual([]);
    fs.rmSync(`${office.story.cwd}/${CLAUDE}`);
    expect(await faults(office), "it was set up").toEqual([
      `claude: no hook of ours is in it: ${office.story.cwd}/${CLAUDE}`,
    ]);
  });
});

describe("a setup that cannot do all", () => {
  test("stopped half way, and said nothing of what it had done", async () => {
    const office = new Office({ ".codex": "a file" });
    const { code, out, err } = await office.setup("claude", "codex", "gemini");
    expect({ code, err }).toEqual({ code: 6, err: "" });
    expect(out).toMatch(
      /^claude: made .*\ncodex: Cannot write .*\.codex" is no folder.*\ngemini: made .*\nskill: made .*\nskill: made /,
    );
    expect(fs.existsSync(`${office.story.cwd}/.relay/relay.json`)).toBe(true);
    expect((await office.setup("--remove")).code).toBe(0);
    expect(Object.keys(office.files())).toEqual([".codex"]);
  });

  test("that cannot note what a file was leaves it as it is", async () => {
    const office = new Office({ [CLAUDE]: "{}" });
    fs.mkdirSync(`${office.story.state}/agent-relay`, { recursive: true });
    fs.writeFileSync(`${office.story.state}/agent-relay/setup`, "a file");
    expect(await office.setup("claude")).toMatchObject({ code: expect.any(Number), err: "" });
    expect(office.read(CLAUDE)).toBe("{}");
  });

  test.each([
    ['{"hooks":null}', '"hooks" in it is no object'],
    ['{"hooks":"x"}', '"hooks" in it is no object'],
    ['{"hooks":[]}', '"hooks" in it is no object'],
    ['{"hooks":{"Stop":{}}}', '"hooks.Stop" in it is no list'],
    ['{"hooks":{},"a":1,"hooks":{}}', '"hooks" stands in it twice'],
    ['{"hooks":{"Stop":[],"Stop":[]}}', '"Stop" stands in it twice'],
  ])("called %s a bug, or changed it each time", async (text, why) => {
    const office = new Office({ [CLAUDE]: text });
    for (const again of ["once", "twice"]) {
      const { code, out, err } = await office.setup("claude");
      expect({ code, err }, again).toEqual({ code: 1, err: "" });
      expect(out).toContain(`${why}, and is left as it is`);
    }
    await office.setup("--remove");
    expect(office.read(CLAUDE)).toBe(text);
  });

  test("wrote over a bundle of our name that is somebody else's", async () => {
    const office = new Office({ ".agents/hooks.json": '{"agent-relay":{"enabled":true}}' });
    expect((await office.setup("antigravity")).out).toContain(`"agent-relay" in it is somebody else's`);
    expect(office.read(".agents/hooks.json")).toBe('{"agent-relay":{"enabled":true}}');
  });

  test.each(["{ nonsense", '{"file":1}', ""])("died of %j in the notes of what was before", async (broken) => {
    const office = new Office({ [CLAUDE]: '{"hooks":{"Stop":[]},"a":1}' });
    await office.setup("claude");
    const notes = `${office.story.state}/agent-relay/setup`;
    for (const name of fs.readdirSync(notes)) fs.writeFileSync(`${notes}/${name}`, broken);
    const { code, out, err } = await office.setup("--remove");
    expect(code).toBe(0);
    expect(out).toContain(`claude: taken out of ${office.story.cwd}/${CLAUDE}`);
    expect(err).toMatch(/^(note: what ".*" was before setup cannot be read .*\n)+$/);
    expect(office.read(CLAUDE)).toBe('{"a":1}');
  });
});

describe("what is not ours, byte for byte", () => {
  test("a byte that is no UTF-8 was destroyed", async () => {
    const office = new Office();
    const bytes = Buffer.from("{} // caf\xe9\n", "latin1");
    fs.mkdirSync(`${office.story.cwd}/.claude`);
    fs.writeFileSync(`${office.story.cwd}/${CLAUDE}`, bytes);
    expect(await office.setup("claude")).toMatchObject({ code: 1, out: expect.stringContaining("it is not UTF-8") });
    await office.setup("--remove");
    expect(fs.readFileSync(`${office.story.cwd}/${CLAUDE}`)).toEqual(bytes);
  });

  test.each(Object.entries(FOREIGN))(
    "in a file with %s was formatted anew when ours was taken out of what the user had changed since",
    async (_, text) => {
      for (const { agent, projectFile } of HOSTS.filter((host) => !host.text)) {
        const office = new Office({ [projectFile]: text });
        await office.setup(agent);
        office.write(projectFile, `${office.read(projectFile)}// mine`);
        await office.setup("--remove");
        expect(office.read(projectFile), agent).toBe(`${text || "{}\n"}// mine`);
      }
    },
  );

  test.each([
    '{"hooks":{}}',
    '{"hooks": { }, "a": 1}',
    '{\n  "hooks": {\n    "Stop": []\n  }\n}\n',
    '{ "hooks": { "Stop": [ /* none */ ], }, }',
    '{\n  "hooks": {\n    "Stop": [\n    ], // end\n  },\n}',
    "{ // top\n}",
    '{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"say a, b"}],},],},}',
    "\u{feff}{}\r\n",
    "\u{feff}",
  ])("%j, with what is empty, a comma or a mark at its begin, was not as before", async (text) => {
    for (const isChanged of [false, true]) {
      const office = new Office({ [CLAUDE]: text });
      expect((await office.setup("claude")).code).toBe(0);
      const installed = office.read(CLAUDE);
      expect(installed.startsWith("\u{feff}")).toBe(text.startsWith("\u{feff}"));
      expect((await office.setup("claude")).out).toContain("already in");
      expect(office.read(CLAUDE)).toBe(installed);
      if (isChanged) office.write(CLAUDE, `${installed} `);
      await office.setup("--remove");
      expect(office.read(CLAUDE)).toBe(isChanged ? `${text === "\u{feff}" ? `${text}{}\n` : text} ` : text);
    }
  });

  test("hooks, comments and commas that were put among ours are kept as they were written", async () => {
    const office = new Office();
    await office.setup("codex");
    const mine = '{"hooks":[{"type":"command","command":"say, done"}]}';
    const text = office
      .read(CODEX)
      .replace('"Stop": [', `"Stop": [${mine}, // mine, first`)
      .replace('"SessionEnd": [', `"SessionEnd": [ /* a, b */`)
      .replace(/\n {4}\]\n {2}\}\n\}\n$/, `,\n      ${mine}\n    ],\n  }\n}\n`);
    expect(() => settingsIn(text, CODEX)).not.toThrow();
    office.write(CODEX, text);
    await office.setup("codex", "--remove");
    const left = office.read(CODEX);
    expect(left).not.toContain("agent-relay");
    expect(left.match(/say, done/g)).toHaveLength(2);
    for (const part of [`[${mine} // mine, first\n`, "[ /* a, b */", mine]) expect(left).toContain(part);
    expect(Object.keys(settingsIn(left, CODEX).hooks ?? {})).toEqual(["Stop", "SessionEnd"]);
  });

  test("each place that a setting can be taken out of leaves JSON of what was there", () => {
    const list = ["1", "2 ", "/* a, */ 3", "4 // b,\n", "\n5"];
    for (let size = 1; size <= list.length; size++)
      for (let at = 0; at < size; at++)
        for (const end of ["", ",", "/* , */", " , // c\n"]) {
          const text = `{"a": [${list.slice(0, size).join(",")}${end}] }`;
          const left = withoutSetting(text, ["a", at], '{"a": []}');
          const wanted = [1, 2, 3, 4, 5].slice(0, size).filter((one) => one !== at + 1);
          expect(settingsIn(left, "it").a, `${text} without ${at}`).toEqual(wanted);
        }
  });

  test("the version that Cursor wants stayed where there was none", async () => {
    const text = '{"hooks":{"stop":[{"command":"mine"}]}}';
    const office = new Office({ [CURSOR]: text });
    await office.setup("cursor");
    office.write(CURSOR, `${office.read(CURSOR)}\n`);
    await office.setup("--remove");
    expect(office.read(CURSOR)).toBe(`${text}\n`);
    const other = new Office({ [CURSOR]: '{"version":2}' });
    await other.setup("cursor");
    expect(JSON.parse(other.read(CURSOR)), "theirs stays").toMatchObject({ version: 2, hooks: expect.anything() });
    const ours = new Office();
    await ours.setup("cursor");
    const mine = '"hooks": {"beforeReadFile": [{"command":"mine"}],';
    ours.write(CURSOR, ours.read(CURSOR).replace('"hooks": {', mine));
    await ours.setup("--remove");
    expect(JSON.parse(ours.read(CURSOR)), "theirs needs it").toMatchObject({ version: 1 });
  });

  test("a skill that the user has changed was deleted, or written over", async () => {
    const office = new Office();
    await office.setup("claude", "codex");
    office.write(SKILL, `${office.read(SKILL)}\nMine.\n`);
    const changed = office.read(SKILL);
    for (const args of [["claude"], ["--remove", "--dry-run"], ["--remove"]]) {
      const { code, out } = await office.setup(...args);
      expect(code, args.join(" ")).toBe(1);
      expect(out).toMatch(/skill: Cannot .*SKILL\.md": left alone, it was changed since setup wrote it/);
    }
    expect(office.read(SKILL)).toBe(changed);
    expect(Object.keys(office.files()).filter((name) => name.includes("."))).toContain(SKILL);
    expect(fs.existsSync(`${office.story.cwd}/.claude`), "the other is gone").toBe(false);
  });

  test("a skill that another host reads went with the first", async () => {
    const office = new Office();
    await office.setup("claude", "codex");
    const { out } = await office.setup("--remove", "claude");
    expect(out).toContain(`skill: left for codex: ${office.story.cwd}/${SKILL}`);
    expect(fs.existsSync(`${office.story.cwd}/${SKILL}`)).toBe(true);
    expect(fs.existsSync(`${office.story.cwd}/.claude`)).toBe(false);
    await office.setup("--remove", "codex");
    expect(office.files()).toEqual({});
  });

  test("a link to nothing became a file, and was lost", async () => {
    const office = new Office();
    const [link, target] = [`${office.story.cwd}/${CLAUDE}`, `${office.story.cwd}/dotfiles.json`];
    fs.mkdirSync(path.dirname(link));
    fs.symlinkSync(target, link);
    expect((await office.setup("claude")).code).toBe(0);
    expect(fs.readFileSync(target, "utf8")).toContain("agent-relay-hook");
    expect((await office.setup("claude")).out).toContain("already in");
    await office.setup("--remove");
    expect(fs.existsSync(target)).toBe(false);
    expect(fs.readlinkSync(link)).toBe(target);
    fs.rmSync(link);
    fs.symlinkSync("../nowhere/settings.json", link);
    expect(await office.setup("claude")).toMatchObject({
      code: 3,
      out: expect.stringMatching(/a link into .*nowhere/),
    });
    expect(fs.readlinkSync(link)).toBe("../nowhere/settings.json");
  });
});

test("the lines for a shell that an earlier setup wrote for Claude Code are replaced, and taken out", async () => {
  const program = { launcher: "/x/agent-relay-hook", script: "/x/agent-relay.cjs", platform: "linux" } as const;
  const { startsPrograms: _, ...byLines } = claude;
  const earlier = withSettings("", claude.settings(commandFor(program, byLines)));
  expect(earlier).toContain('"/x/agent-relay-hook claude Stop"');
  const office = new Office({ [CLAUDE]: earlier });
  await office.setup("claude");
  const fresh = new Office();
  await fresh.setup("claude");
  expect(office.read(CLAUDE)).toBe(fresh.read(CLAUDE));
  office.write(CLAUDE, earlier);
  await office.setup("--remove");
  expect(Object.keys(office.files())).toEqual([]);
});

describe("what --dry-run shows", () => {
  const changes = (out: string) => out.split("\n").filter((line) => /^[+-] /.test(line));

  test("was nothing for --remove, and a line that got a comma as if it were new", async () => {
    const office = new Office({ [CLAUDE]: '{\n  "model": "x"\n}\n' });
    const added = changes((await office.setup("claude", "--dry-run")).out);
    expect(added.slice(0, 3)).toEqual(['-   "model": "x"', '+   "model": "x",', '+   "hooks": {']);
    expect(added.filter((line) => line.startsWith("- "))).toHaveLength(1);
    await office.setup("claude");
    const installed = office.files();
    const removed = changes((await office.setup("--remove", "--dry-run")).out);
    expect(removed.filter((line) => /^- .*"Stop"$/.test(line))).toHaveLength(1);
    expect(removed.filter((line) => line.startsWith("+ "))).toEqual(['+   "model": "x"']);
    expect(office.files()).toEqual(installed);
  });

  test("is each line that goes or comes, and no other", () => {
    expect(diff("a\nb\nc\n", "a\nb\nc\n")).toEqual([]);
    expect(diff("a\nb\nc\n", "a\nx\nc")).toEqual(["- b", "+ x"]);
    expect(diff("", "a\n")).toEqual(["+ a"]);
    expect(diff("a\nb\na\nb\n", "b\na\nb\na\n")).toEqual(["- a", "+ a"]);
    const [old, young] = [1, 2].map((step) => Array.from({ length: 3000 }, (_, at) => `${at * step}`).join("\n"));
    const lines = diff(old ?? "", young ?? "");
    expect(lines.length, "a large one is not compared line by line").toBeLessThan(6001);
  });
});

describe.skipIf(process.platform === "win32")("a host whose settings name a launcher that is gone or broken", () => {
  const place = (code?: number) => {
    const launcher = `${tempDir()}/it's here/agent-relay-hook`;
    fs.mkdirSync(path.dirname(launcher));
    if (code !== undefined) fs.writeFileSync(launcher, `#!/bin/sh\necho "$@"; exit ${code}\n`, { mode: 0o755 });
    return { launcher, script: "/x/agent-relay.cjs", platform: "linux" } as const;
  };
  const run = (line: string) => {
    const { status, stdout, stderr } = spawnSync("/bin/sh", ["-c", line], { encoding: "utf8", input: "{}" });
    return { status, stdout, stderr };
  };

  test.each([
    ["copilot", ["sessionStart", "preToolUse", "agentStop"], "{}\n"],
    ["gemini", ["SessionStart", "BeforeTool", "AfterAgent"], "{}\n"],
    ["antigravity", ["SessionStart", "Stop"], "{}\n"],
    ["codex", ["SessionStart", "PreToolUse", "Stop"], ""],
    ["claude", ["PreToolUse"], ""],
  ])("%s was kept from every tool, or nagged", (agent, events, says) => {
    for (const event of events) {
      const gone = commandFor(place(), hostFor(agent))(event).command;
      expect(run(gone), gone).toEqual({ status: 0, stdout: says, stderr: "" });
      expect(eventOf(gone)).toBe(event);
      const there = commandFor(place(0), hostFor(agent))(event).command;
      expect(run(there), there).toEqual({ status: 0, stdout: `${agent} ${event}\n`, stderr: "" });
    }
  });

  test("the process that calls the launcher is the host's own, where its shell runs a single command in its place", () => {
    for (const [agent, event] of [
      ["copilot", "preToolUse"],
      ["codex", "Stop"],
      ["claude", "PreToolUse"],
    ] as const)
      expect(commandFor(place(0), hostFor(agent))(event).command).toMatch(/ \|\| exec '.*' \w+ \w+$/);
  });
});

describe("on Windows, which has no POSIX shell", () => {
  const program = {
    launcher: "C:\\a b\\agent-relay-hook",
    script: "C:\\a b\\agent-relay.cjs",
    platform: "win32",
  } as const;

  test("hooks start Node directly", () => {
    for (const { agent } of HOSTS) {
      const line = commandFor(program, hostFor(agent))("PreToolUse", "edit").command;
      expect(line).toBe(`node "C:\\a b\\agent-relay.cjs" hook ${agent} PreToolUse`);
      expect(eventOf(line)).toBe("PreToolUse");
      expect(seemsOurs(JSON.stringify({ command: line }))).toBe(true);
    }
    const plugin = pluginFor("", ["node", program.script, "hook"], false);
    expect(programIn(plugin)).toEqual(["node", program.script, "hook"]);
  });

  test("hooks are known as ours: replaced by those of this machine, and taken out", async () => {
    for (const host of HOSTS.filter(({ text }) => !text)) {
      const text = withSettings("", host.settings(commandFor(program, host)));
      const office = new Office({ [host.projectFile]: text });
      await office.setup(host.agent);
      expect(office.read(host.projectFile)).not.toContain("agent-relay.cjs");
      office.write(host.projectFile, text);
      await office.setup("--remove");
      expect(Object.keys(office.files()), host.agent).toEqual([]);
    }
  });
});

test("a server that wrote a line which is no message ended the check with a bare error", async () => {
  const office = new Office();
  office.write("noisy/agent-relay.cjs", "#!/bin/sh\necho starting up\nsleep 60\n");
  fs.chmodSync(`${office.story.cwd}/noisy/agent-relay.cjs`, 0o755);
  const script = `${office.story.cwd}/noisy/agent-relay.cjs`;
  office.write(".mcp.json", JSON.stringify({ mcpServers: { "agent-relay": { command: script, args: ["mcp"] } } }));
  const { out } = await office.setup("--check");
  expect(out, "of another program").toContain("it is not what setup writes now, and was not run");
  const [claude] = HOSTS;
  const own = claude && mcpFile(claude, [script, "mcp"], false);
  const program = { launcher: "", script, platform: process.platform };
  const place = { folder: office.story.cwd, env: process.env };
  expect(own && (await checkedServer(own, `${office.story.cwd}/.mcp.json`, place, program))?.fault).toBe(
    "it writes what is no message: starting up",
  );
});
