import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { rollup } from "rollup";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import webpack from "webpack";
import pkg from "../../package.json" with { type: "json" };
import { ROOT } from "../support/paths.ts";

// What npm would put out, installed in a project: its folder has a space in its name.

let base = "";
let packed = { size: 0, unpackedSize: 0 };
const project = () => path.join(base, "a project");
const installed = () => path.join(project(), "node_modules/agent-relay");

beforeAll(() => {
  base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "relay-package-")));
  const said = execFileSync("npm", ["pack", "--json", "--silent", "--pack-destination", base], { cwd: ROOT });
  const found = JSON.parse(said.toString());
  packed = Array.isArray(found) ? found[0] : found["agent-relay"];
  fs.mkdirSync(installed(), { recursive: true });
  const [tarball = ""] = fs.readdirSync(base).filter((name) => name.endsWith(".tgz"));
  execFileSync("tar", ["xzf", path.join(base, tarball), "--strip-components=1", "-C", installed()]);
});

afterAll(() => fs.rmSync(base, { recursive: true, force: true }));

/** Runs a file of the project; returns what it printed. */
function run(...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: project(), encoding: "utf8" });
  expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  return stdout;
}

const USE = `
  const relay = new Relay(".relay-of-" + process.argv[2], { session: "a", agent: "tool" });
  const { messages } = await relay.send("hello");
  await relay.claim("src");
  const task = await relay.tasks.add("Parse headers");
  const unknown = await relay.tasks.get("task-x").catch((error) => error instanceof RelayError && error.code);
  console.log(messages[0].content, task.title, (await relay.claims.list()).length, unknown);
  await relay.close();`;
const USED = "hello Parse headers 1 not_found\n";

describe("a program that uses the library", () => {
  test("imports it, or requires it, and both are the same", () => {
    const file = path.join(project(), "imports.mjs");
    fs.writeFileSync(file, `import { Relay, RelayError } from "agent-relay";${USE}`);
    expect(run(file, "import")).toBe(USED);
    const required = path.join(project(), "requires.cjs");
    fs.writeFileSync(
      required,
      `const { Relay, RelayError } = require("agent-relay"); (async () => {${USE}
      console.log(Relay === (await import("agent-relay")).Relay); })();`,
    );
    expect(run(required, "require")).toBe(`${USED}true\n`);
  });

  test("can be bundled as an ES module: it died of a require() in it", async () => {
    const entry = path.join(project(), "program.mjs");
    fs.writeFileSync(entry, `import { Relay, RelayError } from "agent-relay"; main();\nasync function main() {${USE}}`);
    const out = (name: string) => path.join(project(), `out-${name}`);
    await build({
      ...{ entryPoints: [entry], bundle: true, platform: "node", target: "node20", format: "esm", logLevel: "error" },
      outfile: path.join(out("esbuild"), "main.mjs"),
    });
    const library = { name: "agent-relay", resolveId: (id: string) => (id === "agent-relay" ? librarySource() : null) };
    const rolled = await rollup({
      ...{ input: entry, plugins: [library], external: /^node:/ },
      onwarn: (warning) => {
        throw new Error(`rollup: ${warning.message}`);
      },
    });
    await rolled.write({ dir: out("rollup"), entryFileNames: "main.mjs", chunkFileNames: "[name].mjs" });
    await bundledByWebpack(entry, out("webpack"));
    fs.renameSync(path.join(project(), "node_modules"), path.join(project(), "not-there")); // each has all that it needs
    try {
      for (const name of ["esbuild", "rollup", "webpack"])
        expect(run(path.join(out(name), "main.mjs"), name)).toBe(USED);
    } finally {
      fs.renameSync(path.join(project(), "not-there"), path.join(project(), "node_modules"));
    }
  });
});

function librarySource(): string {
  return path.join(installed(), "dist/index.js");
}

function bundledByWebpack(entry: string, dir: string): Promise<void> {
  const compiler = webpack({
    ...{ entry, mode: "production", target: "node20", experiments: { outputModule: true } },
    output: { path: dir, filename: "main.mjs", chunkFilename: "[name].mjs", module: true },
  });
  return new Promise((resolve, reject) => {
    compiler?.run((error, stats) =>
      error || stats?.hasErrors() || stats?.hasWarnings()
        ? reject(error ?? new Error(stats?.toString({ errors: true, warnings: true })))
        : compiler.close(() => resolve()),
    );
  });
}

test("the package is at most 1 MB packed and 3 MB unpacked, and brings no other package", () => {
  expect(packed.size).toBeLessThan(1_000_000);
  expect(packed.unpackedSize).toBeLessThan(3_000_000);
  const { dependencies, scripts } = JSON.parse(fs.readFileSync(path.join(installed(), "package.json"), "utf8"));
  expect(dependencies).toBeUndefined();
  expect(Object.keys(scripts)).not.toContain("postinstall");
});

describe("the command's code cache", () => {
  const caches = () => path.join(installed(), "dist/cache");
  const command = () => path.join(installed(), "bin/agent-relay.cjs");

  test("is made by the first run, in the background, once for a version of Node", async () => {
    expect(fs.existsSync(caches())).toBe(false);
    expect(run(command(), "--version")).toBe(`${pkg.version}\n`);
    const [own = ""] = fs.readdirSync(caches());
    expect(own).toBe(`${process.version}-${process.arch}`);
    const file = path.join(caches(), own, "command");
    await expect.poll(() => fs.existsSync(path.join(caches(), own, "completions"))).toBe(true); // the last one
    const { mtimeMs } = fs.statSync(file);
    expect(run(command(), "--version")).toBe(`${pkg.version}\n`);
    expect(fs.statSync(file).mtimeMs).toBe(mtimeMs);
    for (const name of fs.readdirSync(path.join(caches(), own))) fs.writeFileSync(path.join(caches(), own, name), "no");
    expect(run(command(), "--version")).toBe(`${pkg.version}\n`);
  });

  test("is made anew where who began to make it was killed", async () => {
    const [own = ""] = fs.readdirSync(caches());
    for (const name of fs.readdirSync(path.join(caches(), own))) fs.rmSync(path.join(caches(), own, name));
    expect(run(command(), "--version")).toBe(`${pkg.version}\n`); // it may still be at it
    expect(fs.readdirSync(path.join(caches(), own))).toEqual([]);
    fs.utimesSync(path.join(caches(), own), 1, 1);
    expect(run(command(), "--version")).toBe(`${pkg.version}\n`);
    await expect.poll(() => fs.existsSync(path.join(caches(), own, "completions"))).toBe(true);
  });

  test("is done without where nothing may be written", () => {
    fs.rmSync(caches(), { recursive: true, force: true, maxRetries: 20 });
    fs.writeFileSync(caches(), "in the way");
    expect(run(command(), "--version")).toBe(`${pkg.version}\n`);
    fs.rmSync(caches());
  });
});
