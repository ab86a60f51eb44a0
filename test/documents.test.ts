import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { TOPICS } from "../src/cli/guides.ts";
import { GROUPS, overview } from "../src/cli/overview.ts";
import { VERBS } from "../src/cli/verbs.ts";
import { tempDir } from "./support/cli.ts";
import { ROOT } from "./support/paths.ts";

const GUIDES = fs.readdirSync(`${ROOT}/src/cli/guides`).map((file) => path.basename(file, ".md"));
const pages = new Map([
  ["README", fs.readFileSync(`${ROOT}/README.md`, "utf8")],
  ...GUIDES.map((name) => [name, fs.readFileSync(`${ROOT}/src/cli/guides/${name}.md`, "utf8")] as const),
]);
const README = pages.get("README") ?? "";

/** A project with the command on its PATH and the library among its modules, as after an install. */
function project(): { cwd: string; env: Record<string, string> } {
  const cwd = tempDir();
  fs.mkdirSync(`${cwd}/node_modules/.bin`, { recursive: true });
  fs.symlinkSync(ROOT, `${cwd}/node_modules/agent-relay`);
  for (const [name, file] of [
    ["agent-relay", "agent-relay.cjs"],
    ["agent-relay-hook", "agent-relay-hook"],
  ])
    fs.symlinkSync(`${ROOT}/bin/${file}`, `${cwd}/node_modules/.bin/${name}`);
  return { cwd, env: { HOME: cwd, USER: "ann", PATH: `${cwd}/node_modules/.bin:${process.env.PATH}` } };
}

interface Block {
  /** Such as "sh", or "sh background" for what runs until the others have. */
  readonly kind: string;
  readonly code: string;
}

function blocksOf(page: string): Block[] {
  return [...(pages.get(page) ?? "").matchAll(/^```(.*)\n([\s\S]*?)^```/gm)].map(([, kind = "", code = ""]) => ({
    kind,
    code,
  }));
}

const said = (args: readonly string[]) =>
  execFileSync(process.execPath, [`${ROOT}/bin/agent-relay.cjs`, ...args], { encoding: "utf8" });

describe.skipIf(process.platform === "win32")("every block of the README and the guides runs as it stands", () => {
  test.each([...pages.keys()])("%s", async (page) => {
    const { cwd, env } = project();
    for (const { kind, code } of blocksOf(page)) {
      if (kind === "sh") {
        const { status, stderr } = spawnSync("sh", ["-euc", code], { cwd, env, encoding: "utf8" });
        expect({ status, stderr }, code).toEqual({ status: 0, stderr: expect.not.stringMatching(/^(?:Cannot|Try:)/m) });
      } else if (kind === "sh background") {
        const child = spawn("sh", ["-euc", `exec ${code}`], { cwd, env, stdio: ["ignore", "pipe", "inherit"] });
        onTestFinished(() => void child.kill("SIGKILL"));
        await once(child.stdout, "data");
      } else if (kind === "js") {
        fs.writeFileSync(`${cwd}/program.mjs`, code);
        const printed = execFileSync(process.execPath, ["program.mjs"], { cwd, env, encoding: "utf8" });
        // What a line is to print stands behind it.
        for (const [, expected] of code.matchAll(/console\.log\(.*\/\/ (.+)$/gm)) expect(printed).toContain(expected);
      } else if (kind === "json") JSON.parse(code);
      else expect(["text", ""], `${page}: what is no block of a program`).toContain(kind);
    }
  });
});

test("the README is short, and its commands are those of package.json", () => {
  expect(Buffer.byteLength(README)).toBeLessThanOrEqual(8 * 1024);
  const { scripts } = JSON.parse(fs.readFileSync(`${ROOT}/package.json`, "utf8"));
  for (const [, script = ""] of README.matchAll(/^npm (?:ci && npm )?(?:run )?(\w+)/gm))
    expect(Object.keys(scripts)).toContain(script);
  for (const [, file = ""] of README.matchAll(/\]\(([^)]+)\)/g))
    expect(fs.existsSync(`${ROOT}/${file}`), file).toBe(true);
});

test("each guide is listed by the help and linked by the README, fits a terminal, and is shown by its topic", () => {
  expect(Object.keys(TOPICS).sort()).toEqual([...GUIDES].sort());
  for (const name of GUIDES) {
    const text = pages.get(name) ?? "";
    expect(README).toContain(`[${name}](src/cli/guides/${name}.md)`);
    expect(
      text.split("\n").filter((line) => line.length > 80),
      name,
    ).toEqual([]);
    expect(said(["help", name]).startsWith(text), name).toBe(true);
  }
});

test("help has every verb once, in groups; each page of it is at most 80 wide, and has an example", async () => {
  expect(GROUPS.flatMap(({ verbs }) => verbs).sort()).toEqual(Object.keys(VERBS).sort());
  expect(said(["help"])).toBe(overview());
  const wide = (text: string) => text.split("\n").filter((line) => line.length > 80);
  expect(wide(overview())).toEqual([]);
  for (const { load } of Object.values(VERBS)) {
    const { verb } = await load();
    for (const words of [[verb.name], ...verb.parts.map((part) => [verb.name, part.name])]) {
      const help = said([...words, "--help"]);
      expect(wide(help), words.join(" ")).toEqual([]);
      expect(help, words.join(" ")).toMatch(/^Example: /m);
      if (words.length > 1) expect(said(["help", ...words])).toBe(help);
    }
  }
});

test("the guide of the library names every method of Relay", () => {
  const text = (pages.get("library") ?? "").replace(/\n {2}/g, " ");
  const nouns = fs.readdirSync(`${ROOT}/src/relay`).map((file) => `src/relay/${file}`);
  for (const file of ["src/relay.ts", ...nouns]) {
    const source = fs.readFileSync(`${ROOT}/${file}`, "utf8");
    const noun = /`(relay\.\w+)`/.exec(source)?.[1];
    if (file !== "src/relay.ts" && noun === undefined) continue; // no part of the public face
    const lines = noun ? text.split("\n").filter((line) => line.startsWith(`- \`${noun}\`:`)) : [text];
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
