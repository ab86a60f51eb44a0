import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "..");

// A file may import files of its own line and of the lines above it. The first pattern that fits decides.
const LEVELS: readonly (readonly [what: string, files: RegExp])[] = [
  [
    "leaves",
    /^src\/(errors|hash|id|schema|duration|distance|overlap|place|machine-mark|hosts|text|shell-words|shell-writes|state-folder)\.ts$/,
  ],
  ["the port", /^src\/store\/(store|key)\.ts$/],
  ["stores", /^src\/store\//],
  [
    "nouns and pure rules",
    /^src\/(message|agent|inbox|claim|circle|claim-words|task|wait|activity|loop-guard|decision|claim-log|state-at|address|who|proof)\.ts$/,
  ],
  ["identity: keys, and whose key may speak for which name", /^src\/identity\//],
  ["what a verb acts with", /^src\/(context|hints|pace|trust|project|claim-path|ancestors)\.ts$/],
  [
    "looking: who is here, what came past us",
    /^src\/(roster|mend|show-lease|receipts|history|claims-record|journal|collected|mirrored|board|wait-marks|outcomes|parents|permission)\.ts$/,
  ],
  [
    "doing, across nouns",
    /^src\/(attend|look|send|claim-line|claiming|append|tasking|task-steps|task-taking|task-edit|tasks|waiting|telling|snapshot|yielding|conversation)\.ts$/,
  ],
  ["who may do what", /^src\/rules\//],
  ["upkeep", /^src\/upkeep\//],
  ["words for models and people", /^src\/(lines|situation)\.ts$/],
  ["wiring", /^src\/(remote|open|relay|index|kill|machine|summary)\.ts$/],
  ["hooks", /^src\/hooks\//],
  ["the unattended runner", /^src\/daemon\//],
  ["tools for models", /^src\/mcp\//],
  ["the HTTP relay", /^src\/server\//],
  ["the mirror", /^src\/mirror\//],
  ["the command", /^src\/cli\//],
];

const files = sources("src");
const levelOf = (file: string) => LEVELS.findIndex(([, pattern]) => pattern.test(file));

test("imports point one way, so that a rule never depends on where it is used", () => {
  expect(files.filter((file) => levelOf(file) < 0)).toEqual([]);
  const upward = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => target.startsWith("src/") && levelOf(target) > levelOf(file))
      .map((target) => `${file} (${LEVELS[levelOf(file)]?.[0]}) imports ${target} (${LEVELS[levelOf(target)]?.[0]})`),
  );
  expect(upward).toEqual([]);
});

test("files do not import each other in a circle, so that each can be read by itself", () => {
  const circles = files.filter((file) => reaches(file, file, new Set()));
  expect(circles).toEqual([]);
});

test("nouns do not know each other, so that adding one changes none", () => {
  const nouns = ["src/message.ts", "src/agent.ts", "src/address.ts"];
  const known = nouns.flatMap((noun) => importsOf(noun).filter((target) => nouns.includes(target)));
  expect(known).toEqual([]);
});

test("each library stays behind one door, so that it can be exchanged and is loaded only where it is needed", () => {
  const users = (library: string) => files.filter((file) => importsOf(file).includes(library));
  expect(users("nanoid")).toEqual(["src/id.ts"]);
  expect(users("proper-lockfile")).toEqual(["src/store/file/lock.ts"]);
  expect(users("commander").filter((file) => !file.startsWith("src/cli/"))).toEqual([]);
});

test("what a run loads is what it uses: the lock only for a change, the command parser not for a count", () => {
  const importers = (target: string) => files.filter((file) => staticImportsOf(file).includes(target));
  expect(importers("src/store/file/lock.ts")).toEqual(["src/store/file/update.ts"]);
  expect(importers("src/store/file/update.ts")).toEqual([]);
  const verbs = files.filter((file) => file.startsWith("src/cli/commands/"));
  expect(verbs.filter((file) => closure(file).has("commander"))).toEqual([]);
  expect(closure("src/index.ts").has("commander")).toBe(false);
});

test("what a file loads only when it is used is a file of its own in the command too", () => {
  const lazy = files.filter((file) => !/^src\/(cli|store)\//.test(file) && /\bimport\("\.\//.test(read(file)));
  const loaders = /const LOADERS = \[(.*)\];/.exec(read("src/cli/build.mjs"))?.[1] ?? "";
  expect(lazy.map((file) => file.replace(/^src\/(.*)\.ts$/, '"$1"')).sort()).toEqual(loaders.split(", ").sort());
});

test("time, ids and the environment enter at the rim, so that a test can hold them", () => {
  // The plugin is a program of its own, which OpenCode runs.
  const rim = /^src\/(open|place|machine-mark|ancestors|id|hooks\/opencode-plugin)\.ts$|^src\/cli\/(io|entry)\.ts$/;
  const offenders = files
    .filter((file) => !rim.test(file))
    .filter((file) => /Date\.now\(\)|process\.(env|exit)|console\.|Math\.random\(\)/.test(withoutLockJitter(file)));
  expect(offenders).toEqual([]);
});

test("a file is one idea: none has more than 400 lines, and the middle one has about 100", () => {
  const lengths = files
    .map((file) => ({ file, lines: read(file).split("\n").length }))
    .sort((a, b) => a.lines - b.lines);
  expect(lengths.filter(({ lines }) => lines > 400)).toEqual([]);
  expect(lengths[Math.floor(lengths.length / 2)]?.lines).toBeLessThan(120);
});

test("only the root has an index: a barrel below it would hide what depends on what", () => {
  expect(files.filter((file) => path.basename(file) === "index.ts")).toEqual(["src/index.ts"]);
});

function sources(folder: string): string[] {
  return fs
    .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name}`)
    .sort();
}

function read(file: string): string {
  return fs.readFileSync(path.join(ROOT, file), "utf8");
}

function importsOf(file: string): string[] {
  return [...read(file).matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, target = ""]) => resolve(file, target));
}

/** Those that are loaded together with the file: neither types nor `import()`. */
function staticImportsOf(file: string): string[] {
  return [...read(file).matchAll(/^(?:import|export) (?!type )[^;]*?from "([^"]+)"/gm)].map(([, target = ""]) =>
    resolve(file, target),
  );
}

function resolve(file: string, target: string): string {
  return target.startsWith(".") ? path.posix.join(path.posix.dirname(file), target) : target;
}

function closure(file: string, seen = new Set<string>()): Set<string> {
  for (const target of staticImportsOf(file)) {
    if (seen.has(target)) continue;
    seen.add(target);
    if (target.startsWith("src/")) closure(target, seen);
  }
  return seen;
}

function reaches(file: string, goal: string, seen: Set<string>): boolean {
  return staticImportsOf(file)
    .filter((target) => target.startsWith("src/") && !seen.has(target))
    .some((target) => target === goal || reaches(target, goal, seen.add(target)));
}

/** Waiting for a lock draws lots, which no outcome depends on. */
function withoutLockJitter(file: string): string {
  return file === "src/store/file/lock.ts" ? read(file).replace("Math.random()", "") : read(file);
}
