import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempDir } from "./support/cli.ts";
import { ROOT } from "./support/paths.ts";

const README = fs.readFileSync(path.join(ROOT, "README.md"), "utf8");

/** A project with the command on its PATH and the library among its modules, as after an install. */
function project(): { cwd: string; env: Record<string, string> } {
  const cwd = tempDir();
  fs.mkdirSync(`${cwd}/node_modules/.bin`, { recursive: true });
  fs.symlinkSync(ROOT, `${cwd}/node_modules/agent-relay`);
  fs.symlinkSync(`${ROOT}/bin/agent-relay.cjs`, `${cwd}/node_modules/.bin/agent-relay`);
  return { cwd, env: { HOME: cwd, USER: "ann", PATH: `${cwd}/node_modules/.bin:${process.env.PATH}` } };
}

function blocks(language: string): string[] {
  return [...README.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map(([, code = ""]) => code);
}

test("the README's shell blocks run as they stand", () => {
  expect(blocks("sh")).toHaveLength(5);
  for (const block of blocks("sh")) {
    const { cwd, env } = project();
    const { status, stdout, stderr } = spawnSync("sh", ["-euc", block], { cwd, env, encoding: "utf8" });
    expect({ status, stderr: stderr.replace("No unread messages\n", "") }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/sent to|Claimed|Added|taken out of/);
  }
});

test("the README's program runs, and prints what it says it prints", () => {
  const [block = ""] = blocks("js");
  const { cwd, env } = project();
  fs.writeFileSync(`${cwd}/program.mjs`, block);
  const printed = execFileSync(process.execPath, ["program.mjs"], { cwd, env, encoding: "utf8" });
  expect(printed.split("\n")).toEqual([
    "active",
    "claude-1: Can you review src/parser.ts?",
    "Yes, in five minutes",
    "",
  ]);
});

test("the README names every verb, every option of send, and every method of Relay", () => {
  const help = execFileSync(process.execPath, [`${ROOT}/bin/agent-relay.cjs`, "help"], { encoding: "utf8" });
  const verbs = [...help.matchAll(/^ {2}(\w+) {2,}/gm)].map(([, verb = ""]) => verb);
  expect(verbs.filter((verb) => !README.includes(`\`${verb}`))).toEqual([]);
  const send = execFileSync(process.execPath, [`${ROOT}/bin/agent-relay.cjs`, "send", "--help"], { encoding: "utf8" });
  const options = [...send.matchAll(/(--[a-z-]+)/g)].map(([option = ""]) => option);
  expect(options.filter((option) => !README.includes(option) && !["--from", "--help"].includes(option))).toEqual([]);
  const nouns = fs.readdirSync(`${ROOT}/src/relay`).map((file) => `src/relay/${file}`);
  for (const file of ["src/relay.ts", ...nouns]) {
    const source = fs.readFileSync(`${ROOT}/${file}`, "utf8");
    const noun = /`(relay\.\w+)`/.exec(source)?.[1];
    if (file !== "src/relay.ts" && noun === undefined) continue; // no part of the public face
    const lines = noun ? README.split("\n").filter((line) => line.startsWith(`- \`${noun}\`:`)) : [README];
    const methods = [...source.matchAll(/^ {2}(?:async \*?)?([a-z]\w+)\(/gm)].map(([, name = ""]) => name);
    const missing = methods.filter((name) => name !== "constructor" && !lines.join().includes(`\`${name}\``));
    expect(missing, file).toEqual([]);
  }
});

test.each([
  ["two-agents.mjs", ["claude is answered: Yes, in five minutes"]],
  ["wait-for-reply.mjs", ["The answer is: Port 4800"]],
  ["embedded.mjs", ["0 agents will be told", 'not_found: Cannot find "role:builder"']],
])("examples/%s runs and says what it should, in under 40 lines", (name, says) => {
  const source = fs.readFileSync(`${ROOT}/examples/${name}`, "utf8");
  expect(source.split("\n").length).toBeLessThan(40);
  const printed = execFileSync(process.execPath, [`${ROOT}/examples/${name}`, tempDir()], { encoding: "utf8" });
  for (const line of says) expect(printed).toContain(line);
});

test("the demo shows the main job in a throw-away folder and leaves nothing behind", () => {
  const printed = execFileSync(process.execPath, [`${ROOT}/examples/demo.mjs`], { encoding: "utf8" });
  const folder = /A throw-away project: (.+)/.exec(printed)?.[1] ?? "/";
  expect(printed).toContain("gemini-1$ agent-relay inbox");
  expect(printed).toContain("still open: Which branch?");
  expect(fs.existsSync(folder)).toBe(false);
});
