// Decides in which file of dist/ each source goes, so that none is there twice and a run reads only what it uses.
import { readFileSync } from "node:fs";
import { build } from "esbuild";

export const LIBRARY = "src/index.ts";
export const PORT = "src/store-port.ts";
export const COMMAND = "src/cli/entry.ts";
export const THREAD = "src/server/write-worker.ts";

/** What several verbs need is in the first of these whose verbs need it, else in `rarer`. */
const SHARED = {
  ...{ command: "send inbox unread reply ack", hooks: "hook" },
  sharing: "claim release check task status agents",
};

/**
 * The files of the library, which the command loads too. `core`: what every use of it loads, or every message; `remote`: what
 * a relay on a server needs; `work`: claims, tasks, waits, and the rest.
 */
const LIBRARY_CHUNKS = ["core", "remote", "work"];
const LOCK = "src/store/file/together.ts"; // and what it imports: loaded when it is used, which is nearly always
const IN_REMOTE = /^src\/(store\/http|identity|open\/remote)\b/;

/**
 * `chunkOf`: the file of dist/ for a source. `target`: the source that an importer's word means. `asked`: the sources of a
 * chunk that others import. `namesOf`: what is imported from one of Node's modules.
 */
export async function planChunks(settings) {
  const { metafile } = await build({
    ...settings,
    ...{
      format: "esm",
      splitting: true,
      write: false,
      outdir: "planned",
      entryPoints: [LIBRARY, PORT, COMMAND, THREAD],
    },
  });
  const graph = new Map(
    Object.entries(metafile.inputs).map(([file, { imports }]) => [file, imports.filter(isBundled)]),
  );
  const chunks = assigned(graph);
  const targets = new Map();
  const asked = new Set([LIBRARY, PORT, COMMAND, "src/cli/verbs.ts", THREAD]);
  for (const [file, imports] of graph)
    for (const { original, path } of imports) {
      targets.set(`${file}\n${original}`, path);
      if (chunks.get(file) !== chunks.get(path) && path !== "package.json") asked.add(path);
    }
  const exported = await exportsOf([...asked], settings);
  const words = new Set(
    [...graph.keys()].flatMap((file) => readFileSync(file, "utf8").match(/\b[a-zA-Z]\w+\b/g) ?? []),
  );
  return {
    names: new Set(chunks.values()),
    isOfLibrary: (chunk) => LIBRARY_CHUNKS.includes(chunk),
    chunkOf: (file) => chunks.get(file),
    target: (importer, word) => targets.get(`${importer}\n${word}`),
    exportsOf: (file) => exported.get(file),
    asked: (chunk) => [...asked].filter((file) => chunks.get(file) === chunk),
    namesOf: (module) => [
      "default",
      ...Object.keys(process.getBuiltinModule(module)).filter((name) => words.has(name)),
    ],
  };
}

async function exportsOf(files, settings) {
  const options = { ...settings, bundle: false, format: "esm", write: false, outdir: "exports" };
  const exported = new Map();
  for (const file of files) {
    const { metafile } = await build({ ...options, alias: {}, entryPoints: [file] });
    exported.set(file, Object.values(metafile.outputs)[0].exports);
  }
  return exported;
}

function assigned(graph) {
  const needs = (...files) => reach(graph, files, isStatic);
  const verb = (name) => `src/cli/commands/${name}.ts`;
  const shared = Object.entries(SHARED).map(([name, verbs]) => [name, needs(COMMAND, ...verbs.split(" ").map(verb))]);
  const library = reach(graph, [LIBRARY, PORT], isBundled);
  const core = new Set([...needs(LIBRARY, PORT, LOCK), ...shared[0][1]]);
  for (const file of needs(...[...library].filter((each) => IN_REMOTE.test(each))))
    if (!IN_REMOTE.test(file)) core.add(file);
  const starts = [...graph.values()].flat().filter((each) => !isStatic(each) && !library.has(each.path));
  const users = new Map();
  for (const start of new Set([COMMAND, THREAD, ...starts.map(({ path }) => path)]))
    for (const file of needs(start)) users.set(file, [...(users.get(file) ?? []), start]);

  const ofLibrary = (file) => (core.has(file) ? "core" : IN_REMOTE.test(file) ? "remote" : "work");
  const ofCommand = (file) => {
    const [user, another] = users.get(file) ?? [];
    if (another === undefined && user !== COMMAND) return nameOf(user ?? file);
    return shared.find(([, needed]) => needed.has(file))?.[0] ?? "rarer";
  };
  return new Map([...graph.keys()].map((file) => [file, library.has(file) ? ofLibrary(file) : ofCommand(file)]));
}

function isBundled({ external, path }) {
  return !external && !path.startsWith("(");
}

function isStatic(each) {
  return isBundled(each) && each.kind !== "dynamic-import";
}

function reach(graph, from, follows) {
  const reached = new Set(from);
  for (const file of reached) for (const each of graph.get(file) ?? []) if (follows(each)) reached.add(each.path);
  return reached;
}

/** The name of the output file that starts with a source: `claim` for a verb, `commander`, else its path: `mirror-loop`. */
function nameOf(file) {
  return file
    .replace(/^.*node_modules\/([^/]+)\/.*/, "$1")
    .replace(/^src\/(cli\/commands\/|cli\/)?/, "")
    .replace(/\.ts$/, "")
    .replaceAll("/", "-");
}
