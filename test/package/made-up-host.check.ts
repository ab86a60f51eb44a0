import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { heron } from "../hosts/heron.ts";
import { launcherLine } from "../hosts/launcher-line.ts";
import { ROOT } from "../support/paths.ts";

// A copy of this project, with one more file in src/hosts and its line in the table there, built anew.

let base = "";
const copy = () => path.join(base, "copy");
const project = () => path.join(base, "project");
const command = () => path.join(copy(), "bin/agent-relay.cjs");
const launcher = () => path.join(copy(), "bin/agent-relay-hook");

beforeAll(() => {
  base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "relay-host-")));
  for (const name of ["src", "bin", "package.json", "tsconfig.json", "LICENSE"])
    fs.cpSync(path.join(ROOT, name), path.join(copy(), name), { recursive: true });
  fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(copy(), "node_modules"));
  const file = fs.readFileSync(path.join(ROOT, "test/hosts/heron.ts"), "utf8");
  fs.writeFileSync(path.join(copy(), "src/hosts/heron.ts"), file.replaceAll("../../src/hosts/", "./"));
  change("src/hosts/hosts.ts", /^import type/m, (line) => `import { heron } from "./heron.ts";\n${line}`);
  change("src/hosts/hosts.ts", "claude, codex", (list) => `heron, ${list}`);
  change("bin/agent-relay-hook", "# end of hosts", (end) => `${launcherLine(heron)}\n${end}`);
  execFileSync(process.execPath, ["src/cli/build.mjs"], { cwd: copy(), stdio: "pipe" });
  fs.mkdirSync(path.join(project(), ".heron"), { recursive: true });
});

afterAll(() => fs.rmSync(base, { recursive: true, force: true }));

function change(name: string, what: string | RegExp, to: (found: string) => string): void {
  const file = path.join(copy(), name);
  const before = fs.readFileSync(file, "utf8");
  const after = before.replace(what, to);
  expect(after).not.toBe(before);
  fs.writeFileSync(file, after);
}

const run = (program: string, args: readonly string[], input = "") => {
  const env = { PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin`, HOME: base, AGENT_RELAY_HOOK_PARENT: "" };
  const { stdout, stderr, status } = spawnSync(program, args, { cwd: project(), env, input, encoding: "utf8" });
  return { stdout, stderr, status };
};
const relay = (...args: readonly string[]) => run(process.execPath, [command(), ...args]);
const hook = (event: string, more: object = {}) => {
  const payload = { session_id: "h-1", cwd: project(), event, heron_version: 2, ...more };
  return run(launcher(), ["heron", event], JSON.stringify(payload));
};

describe.skipIf(process.platform === "win32")("a host that is a file and a line", () => {
  test("is set up, proved, and taken out again byte for byte", () => {
    const file = path.join(project(), heron.projectFile);
    const others = '{ "on": { "stop": [{"command": "ding"}] }, "colour": "grey" }';
    fs.writeFileSync(file, others);
    expect(relay("setup", "heron")).toMatchObject({ status: 0 });
    expect(Object.keys(JSON.parse(fs.readFileSync(file, "utf8")).on)).toHaveLength(6);
    expect(relay("setup", "heron", "--check")).toMatchObject({ status: 0 });
    expect(relay("setup", "heron", "--remove")).toMatchObject({ status: 0 });
    expect(fs.readFileSync(file, "utf8")).toBe(others);
  });

  test("hears mail in its own dialect, is kept from what another has claimed, and gets silence without Node", () => {
    expect(relay("setup", "heron")).toMatchObject({ status: 0 });
    expect(JSON.parse(hook("sessionStart").stdout).tell).toMatch(/^You are heron-/);
    const register = ["register", "--session", "bob", "--agent", "codex"];
    expect(relay(...register)).toMatchObject({ status: 0 });
    expect(relay("send", "fen is flooded", "--to", "h-1", "--session", "bob")).toMatchObject({ status: 0 });
    expect(JSON.parse(hook("userPromptSubmitted").stdout).tell).toContain("fen is flooded");
    expect(relay("claim", "nest.ts", "--session", "bob")).toMatchObject({ status: 0 });
    const edit = { tool_name: "write", tool_input: { path: "nest.ts" } };
    expect(JSON.parse(hook("preToolUse", edit).stdout).refuse).toContain('holds "nest.ts"');
    expect(hook("userPromptSubmitted")).toEqual({ stdout: "", stderr: "", status: 0 });
    expect(hook("stop")).toEqual({ stdout: "{}\n", stderr: "", status: 0 });
    expect(relay("doctor", "--json").stdout).not.toContain("hook.log");
  });

  test("is recognised by its process", () => {
    const asked = `exec -a heron bash -c '"${process.execPath}" "${command()}" whoami --json; true'`;
    expect(JSON.parse(run("bash", ["-c", asked]).stdout)).toMatchObject({ agent: "heron" });
  });
});
