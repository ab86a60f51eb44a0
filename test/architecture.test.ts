import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./support/paths.ts";

interface Level {
  readonly rooms: readonly string[];
  /** Which rooms of the same level a room may import: none, or those that stand before it. */
  readonly knows: "none" | "those before it";
}

// From the ground up. A room is a folder of src/ (with a slash) or a file of it; a file may import its own room and what lies below.
const LEVELS: readonly Level[] = [
  {
    rooms:
      "errors folders bounded-map lifetime duration hash id limits rate text time schema shell/ git/ machine/ hosts/".split(
        " ",
      ),
    knows: "those before it",
  },
  { rooms: ["store/"], knows: "none" },
  { rooms: ["context"], knows: "none" },
  { rooms: ["identity/", "project/", "activity/"], knows: "none" },
  { rooms: ["agents/", "autonomy/"], knows: "none" },
  { rooms: ["claims/", "channels/"], knows: "none" },
  { rooms: ["messages/", "tasks/"], knows: "none" },
  { rooms: ["waits/", "decisions/"], knows: "none" },
  { rooms: ["views/", "access/", "upkeep/", "open/"], knows: "none" },
  { rooms: ["render/"], knows: "none" },
  { rooms: ["relay/", "relay", "index", "store-port", "testing/"], knows: "those before it" },
  { rooms: "hooks/ setup/ daemon/ mcp/ server/ mirror/ console/ web/".split(" "), knows: "none" },
  { rooms: ["cli/"], knows: "none" },
];

const files = sources("src");

test("every file lies in a room of the house", () => {
  const homeless = files.filter((file) => levelOf(roomOf(file)) < 0);
  const places = LEVELS.map(({ rooms }, level) => `${level + 1}. ${rooms.join(" ")}`).join("\n");
  expect(
    homeless,
    `Put each of these into the folder of its noun, or give its new folder a level in LEVELS:\n${places}`,
  ).toEqual([]);
});

test("imports point one way, so that a rule never depends on where it is used", () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => target.startsWith("src/"))
      .flatMap((target) => objectionTo(roomOf(file), roomOf(target)).map((why) => `${file} -> ${target}: ${why}`)),
  );
  expect(wrong).toEqual([]);
});

test("neither files nor folders import each other in a circle, so that each can be read by itself", () => {
  const graph = new Map(files.map((file) => [file, importsOf(file).filter((target) => target.startsWith("src/"))]));
  expect(circlesIn(graph)).toEqual([]);
  const rooms = new Map<string, string[]>();
  for (const [file, targets] of graph)
    rooms.set(roomOf(file), [...(rooms.get(roomOf(file)) ?? []), ...targets.map(roomOf)]);
  for (const [room, targets] of rooms)
    rooms.set(
      room,
      [...new Set(targets)].filter((target) => target !== room),
    );
  expect(circlesIn(rooms)).toEqual([]);
});

test("the tree of src/README has every room, in the order of the levels", () => {
  const tree = /^errors folders[\s\S]*?^```/m.exec(read("src/README.md"))?.[0] ?? "";
  const named = tree.split("\n").flatMap((line) => (/^(?:\S+ ?)+/.exec(line)?.[0] ?? "").trim().split(" "));
  const built = new Set(files.map(roomOf));
  expect(named.filter((word) => word !== "```")).toEqual(
    LEVELS.flatMap(({ rooms }) => rooms).filter((room) => built.has(room)),
  );
});

// Who may import a library that is no part of Node.
const DOORS: readonly (readonly [library: string, door: RegExp])[] = [
  ["nanoid", /^src\/id\.ts$/],
  ["picocolors", /^src\/cli\/palette\.ts$/],
  ["commander", /^src\/cli\//],
  ["hono", /^src\/(server|web)\//],
  ["@hono/node-server", /^src\/(server|web)\//],
  ["@modelcontextprotocol/server", /^src\/(mcp\/|cli\/commands\/mcp\.ts)/],
  ["zod", /^src\/mcp\//],
  ["jsonc-parser", /^src\/(setup|hosts)\//],
  ["fast-string-width", /^src\/cli\/cells\.ts$/],
];

test("each library stays behind one door, so that it can be exchanged and is loaded only where it is needed", () => {
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => !target.startsWith("src/") && !target.startsWith("node:") && target !== "package.json")
      .filter((target) => !DOORS.some(([library, door]) => isPartOf(target, library) && door.test(file)))
      .map((target) => `${file} -> ${target}`),
  );
  expect(wrong).toEqual([]);
  const used = files.flatMap(importsOf);
  expect(DOORS.filter(([library]) => !used.some((target) => isPartOf(target, library)))).toEqual([]);
});

test("what a run loads is what it uses: the lock only for a change, the command parser not for a count", () => {
  const importers = (target: string) => files.filter((file) => staticImportsOf(file).includes(target));
  expect(importers("src/store/file/lock.ts")).toEqual(["src/store/file/together.ts", "src/store/file/update.ts"]);
  expect(importers("src/store/file/update.ts")).toEqual(["src/store/file/carry-over.ts", "src/store/file/together.ts"]);
  expect(importers("src/store/file/together.ts")).toEqual(["src/store/file/carry-over.ts"]);
  expect(importers("src/store/file/carry-over.ts")).toEqual([]);
  const verbs = files.filter((file) => file.startsWith("src/cli/commands/"));
  expect(verbs.filter((file) => closure(file).has("commander"))).toEqual([]);
  expect(closure("src/index.ts").has("commander")).toBe(false);
});

test("time, ids and the environment enter at the rim, so that a test can hold them", () => {
  // The plugin is a program of its own, which OpenCode runs. What runs git hands the environment on, and reads none of it.
  const rim =
    /^src\/(id|time|open\/open|machine\/(process|trust-mark|ancestors)|git\/run|hosts\/opencode-plugin|cli\/(io|entry))\.ts$/;
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

test("an exported type's name means one thing in the whole house", () => {
  const homes = new Map<string, string[]>();
  for (const file of files)
    for (const [, name = ""] of read(file).matchAll(/^export (?:type|interface|(?:abstract )?class) (\w+)/gm))
      homes.set(name, [...(homes.get(name) ?? []), file]);
  expect([...homes].filter(([, where]) => where.length > 1)).toEqual([]);
});

test("a limit says in which unit it is", () => {
  const unitless = files.flatMap((file) =>
    [...read(file).matchAll(/^(?:export )?const ((?:MOST|LONGEST|LIMIT|PATIENCE)(?:_\w+)?) = /gm)].map(
      ([, name]) => `${file}: ${name}`,
    ),
  );
  expect(unitless).toEqual([]);
});

test("only the root has an index: a barrel below it would hide what depends on what", () => {
  expect(files.filter((file) => path.basename(file) === "index.ts")).toEqual(["src/index.ts"]);
});

/** `claims/` of a file in that folder, `relay` of one at the root. */
function roomOf(file: string): string {
  const [, room = "", ...rest] = file.split("/");
  return rest.length > 0 ? `${room}/` : room.replace(/\.ts$/, "");
}

function levelOf(room: string): number {
  return LEVELS.findIndex(({ rooms }) => rooms.includes(room));
}

/** Why a room may not import another. */
function objectionTo(room: string, target: string): string[] {
  const [from, to] = [levelOf(room), levelOf(target)];
  if (room === target || to < from) return [];
  if (to > from)
    return [`${target} (level ${to + 1}) stands above ${room} (level ${from + 1}): give it as an argument`];
  const { rooms, knows } = LEVELS[from] ?? { rooms: [], knows: "none" };
  if (knows === "none") return [`${room} and ${target} do not know each other: what needs both lies above them`];
  return rooms.indexOf(target) > rooms.indexOf(room) ? [`${target} stands after ${room}`] : [];
}

/** All that reach themselves, each with what it imports on the way. */
function circlesIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const reachable = (from: string, seen = new Set<string>()): Set<string> => {
    for (const target of graph.get(from) ?? []) if (!seen.has(target)) reachable(target, seen.add(target));
    return seen;
  };
  const reached = new Map([...graph.keys()].map((each) => [each, reachable(each)]));
  return [...graph].flatMap(([each, targets]) =>
    targets
      .filter((target) => target === each || reached.get(target)?.has(each))
      .map((target) => `${each} -> ${target}`),
  );
}

/** Whether an import is of a library, or of a part of it. */
function isPartOf(target: string, library: string): boolean {
  return target === library || target.startsWith(`${library}/`);
}

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

/** All that a file imports: types, and what it loads by `import()`, too. */
function importsOf(file: string): string[] {
  const imports = /^(?:import|export) (?:[^;"]*? from )?"([^"]+)"|\bimport\("([^"]+)"\)/gm;
  return [...read(file).matchAll(imports)].map(([, first, second]) => resolve(file, first ?? second ?? ""));
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

/** Waiting for a lock draws lots, which no outcome depends on. */
function withoutLockJitter(file: string): string {
  return file === "src/store/file/lock.ts" ? read(file).replace("Math.random()", "") : read(file);
}
