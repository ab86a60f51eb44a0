import { describe, expect, test } from "vitest";
import { hostNamed, hostOf } from "../../src/hosts/detect.ts";
import { KNOWN_HOSTS } from "../../src/hosts/known.ts";

describe("which host a process is", () => {
  const known: [string, string[], string][] = [
    ["claude", ["claude"], "claude"],
    ["claude", ["/home/ann/.local/bin/claude", "--resume"], "claude"],
    ["node", ["node", "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js"], "claude"],
    ["MainThread", ["node", "--max-old-space-size=8192", "/x/node_modules/@google/gemini-cli/dist/index.js"], "gemini"],
    ["node", ["/usr/bin/node", "/usr/local/bin/gemini"], "gemini"],
    ["bun", ["bun", "/x/node_modules/@openai/codex/bin/codex.js"], "codex"],
    ["codex", ["/opt/codex/codex", "exec"], "codex"],
    ["codex", [], "codex"],
    ["node", ["C:\\nodejs\\node.exe", "C:\\x\\node_modules\\@github\\copilot\\index.js"], "copilot"],
    ["codex.exe", ["C:\\bin\\codex.exe"], "codex"],
    ["cursor-agent", ["cursor-agent"], "cursor"],
    ["opencode", ["opencode"], "opencode"],
    ["agy", ["agy"], "antigravity"],
  ];
  test.each(known)("%s %j is %3$s", (name, args, agent) => {
    expect(hostOf(name, args)?.agent).toBe(agent);
  });

  const others: [string, string[]][] = [
    ["bash", ["bash", "-c", "claude --help"]],
    ["vim", ["vim", "claude"]],
    ["node", ["node", "/home/claude/server.js"]],
    ["node", ["node", "/home/codex/project/index.js", "claude"]],
    ["node", ["node", "-e", "codex"]],
    ["claude-monitor", ["claude-monitor"]],
    ["cat", ["cat", "/x/node_modules/@openai/codex/README.md"]],
    ["", []],
    ["node", ["node"]],
  ];
  test.each(others)("%s %j is none", (name, args) => {
    expect(hostOf(name, args)).toBeUndefined();
  });
});

describe("the table of hosts", () => {
  test("no two hosts share an agent, a command, a package or a marker", () => {
    for (const field of ["commands", "packages", "markers"] as const) {
      const all = KNOWN_HOSTS.flatMap((host) => host[field]);
      expect(new Set(all).size).toBe(all.length);
    }
    expect(new Set(KNOWN_HOSTS.map((host) => host.agent)).size).toBe(KNOWN_HOSTS.length);
  });

  test("the variable that holds a host's session is one of its markers", () => {
    for (const { sessionVariable, markers } of KNOWN_HOSTS)
      if (sessionVariable !== undefined) expect(markers).toContain(sessionVariable);
  });

  test("a session called after a host is taken for one of its own", () => {
    expect([hostNamed("claude")?.agent, hostNamed("codex-12")?.agent]).toEqual(["claude", "codex"]);
    expect([hostNamed("claudette"), hostNamed("x-claude"), hostNamed("")]).toEqual([undefined, undefined, undefined]);
  });
});
