// Builds dist/: the library as ES modules with its types, and the command as scripts, since Node 20 has a code cache for
// scripts alone. The library's files are both: the command's launcher takes them as scripts, without their first and last line.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { relative, resolve } from "node:path";
import { build } from "esbuild";
import { rollup } from "rollup";
import { dts } from "rollup-plugin-dts";
import { LIBRARY, PORT, planChunks, THREAD } from "./chunks.mjs";

const settings = {
  ...{ bundle: true, platform: "node", target: "node20", metafile: true, logLevel: "warning", legalComments: "none" },
  minify: true, // a run compiles what it loads: half the bytes, half the time
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" }, // its other form cannot be bundled
};
const VALUES = "src/hosts/known.ts"; // what this exports is computed here, so that a run loads none of what it is made from
const values = await valuesIn(VALUES);
const { version } = JSON.parse(readFileSync("package.json", "utf8"));
const out = mkdtempSync("dist-");
mkdirSync(`${out}/cli`);
const plan = await planChunks({ ...settings, plugins: [computed()] });
const bundled = new Set();

for (const chunk of plan.names) await (plan.isOfLibrary(chunk) ? writeModule : writeScript)(chunk);
await writeLibrary("index", LIBRARY);
await writeLibrary("store", PORT);
await writeTesting("src/testing/contract.ts");
const writer = `chunk("${plan.chunkOf(THREAD)}")["${THREAD}"]`;
writeFileSync(`${out}/cli/writer.cjs`, `require("../../bin/agent-relay.cjs").${writer}.start();\n`);
await build({
  entryPoints: ["src/hosts/opencode-plugin.ts"],
  outfile: `${out}/cli/opencode-plugin.mjs`,
  ...{ format: "esm", target: "es2023", charset: "utf8", logLevel: "warning" },
});
writeFileSync(`${out}/LICENSES.txt`, [...bundled].sort().map(licenseOf).join("\n"));
cpSync("src/cli/warm.cjs", `${out}/cli/warm.cjs`);
rmSync("dist", { recursive: true, force: true });
cpSync(out, "dist", { recursive: true });
chmodSync("dist", 0o755); // mkdtemp makes a folder for its user alone
rmSync(out, { recursive: true });
execFileSync(process.execPath, ["dist/cli/warm.cjs"], { stdio: "inherit" });

// Every chunk exports `sources`: what each of its sources exports to other chunks, by the name of its file. A chunk's code
// has two words, which the launcher gives to a script, and a module's first line defines: `chunk(name)` is the `sources` of
// another one, `later(name)` the same as a promise.

async function writeModule(chunk) {
  const { code, name } = await codeOf(chunk);
  const others = [...plan.names].filter((other) => other !== chunk && plan.isOfLibrary(other));
  const core = chunk === "core" ? "" : 'import{sources as core}from"./core.js";const chunk=()=>core;';
  const later = others.map((other) => `${other}:()=>import("./${other}.js")`);
  const first = `${core}const later=(name)=>({${later}})[name]().then((each)=>each.sources);`;
  writeFileSync(`${out}/${chunk}.js`, `${first}\n${code}\nexport{${name} as sources};\n`);
}

async function writeScript(chunk) {
  const { code, name } = await codeOf(chunk);
  writeFileSync(`${out}/cli/${chunk}.cjs`, `${code}exports.sources=${name};\n`);
}

/** What a program imports, with its types: the same for `import` and for `require`. */
async function writeLibrary(name, file) {
  const names = plan.exportsOf(file);
  const sources = `sources["${file}"]`;
  writeFileSync(
    `${out}/${name}.js`,
    `import { sources } from "./core.js";\nexport const { ${names.join(", ")} } = ${sources};\n`,
  );
  writeFileSync(`${out}/${name}.cjs`, `const { sources } = require("./core.js");\nmodule.exports = ${sources};\n`);
  await writeTypes(name, file, names);
}

/** What a store promises, as tests. Its errors are those of the library, whose file stands beside it. */
async function writeTesting(file) {
  for (const [format, ending] of [
    ["esm", "js"],
    ["cjs", "cjs"],
  ])
    await build({
      entryPoints: [file],
      outfile: `${out}/testing.${ending}`,
      ...{ format, bundle: true, platform: "node", target: "node20", logLevel: "warning" },
      plugins: [errorsFrom(`./index.${ending}`)],
    });
  await writeTypes("testing", file, ["describeStore"]);
}

function errorsFrom(library) {
  const setup = (of) => of.onResolve({ filter: /\/errors\.ts$/ }, () => ({ path: library, external: true }));
  return { name: "errors", setup };
}

async function writeTypes(name, file, values) {
  const rolled = await rollup({
    input: file,
    plugins: [dts({ compilerOptions: { stripInternal: true } })],
    external: /^node:/,
  });
  const { output } = await rolled.generate({ format: "es" });
  const types = withoutOtherValues(output[0].code, values);
  for (const ending of ["d.ts", "d.cts"]) writeFileSync(`${out}/${name}.${ending}`, types);
}

/** The types with exports that say which of them are values: the roll-up takes a record's type and schema for one. */
function withoutOtherValues(types, values) {
  const [exported] = /(\nexport (type )?\{[^}]*\};)+\n$/.exec(types);
  const names = [...exported.matchAll(/\w+(?=[ ,])/g)].flatMap(([name]) =>
    /^(export|type)$/.test(name) ? [] : [name],
  );
  const others = names.filter((name) => !values.includes(name)).sort();
  const list = (each) => each.map((name) => `  ${name},\n`).join("");
  return `${types.slice(0, -exported.length)}\nexport {\n${list(values)}};\nexport type {\n${list(others)}};\n`;
}

/** A chunk's code, without its last statement, and the name that it has for its sources. */
async function codeOf(chunk) {
  const { metafile, outputFiles } = await build({
    ...settings,
    ...{ format: "esm", write: false, outfile: `${chunk}.js` },
    stdin: { contents: sourcesOf(chunk), resolveDir: ".", sourcefile: `${chunk}.js` },
    plugins: [computed(), elsewhere(chunk), ofNode()],
  });
  for (const file of Object.keys(metafile.inputs)) {
    const [folder] = /^node_modules\/(@[^/]+\/[^/]+|[^/@]+)(?=\/)/.exec(file) ?? [];
    if (folder) bundled.add(folder);
  }
  const [, code, name] = /^([\s\S]*)export\{(\S+) as sources\};\n$/.exec(outputFiles[0].text) ?? [];
  if (name === undefined || /^import\b|[^.\w]import\(/m.test(code))
    throw new Error(`${chunk} is no script: it imports something`);
  if (plan.isOfLibrary(chunk) && /\bchunk\("(?!core")/.test(code))
    throw new Error(`${chunk} imports more than the core`);
  return { code, name };
}

function computed() {
  const setup = (of) =>
    of.onLoad({ filter: /\.ts$/ }, ({ path }) => (path === resolve(VALUES) ? { contents: values } : undefined));
  return { name: "computed values", setup };
}

async function valuesIn(file) {
  const { outputFiles } = await build({ ...settings, format: "esm", write: false, entryPoints: [file] });
  const exported = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`);
  return Object.entries(exported)
    .map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`)
    .join("");
}

function sourcesOf(chunk) {
  const files = plan.asked(chunk);
  const imports = files.map((file, index) => `import * as s${index} from "./${file}";`);
  const sources = files.map((file, index) => {
    const names = plan.exportsOf(file).map((name) => `${name}: s${index}.${name}`);
    return `get ${JSON.stringify(file)}() { return {${names}}; }`;
  });
  return `${imports.join("")} export const sources = {${sources}};`;
}

/** A source that is in another chunk is taken from there. */
function elsewhere(here) {
  const otherChunk = (importer, word) => {
    const file = plan.target(relative(".", importer), word);
    const chunk = plan.chunkOf(file);
    return chunk === undefined || chunk === here || file === "package.json" ? undefined : { file, chunk };
  };
  return {
    name: "sources of other chunks",
    setup(builder) {
      builder.onResolve({ filter: /.*/ }, ({ path, importer }) => {
        const other = otherChunk(importer, path);
        return other && { path: other.file, namespace: "elsewhere", pluginData: other };
      });
      builder.onLoad({ filter: /.*/, namespace: "elsewhere" }, ({ pluginData: { file, chunk } }) => ({
        contents: `export const { ${plan.exportsOf(file)} } = chunk("${chunk}")["${file}"];`,
      }));
      builder.onLoad({ filter: /package\.json$/ }, ({ path }) =>
        path === resolve("package.json") ? { loader: "json", contents: JSON.stringify({ version }) } : undefined,
      );
      builder.onLoad({ filter: /\.ts$/ }, ({ path }) => ({
        loader: "ts",
        contents: readFileSync(path, "utf8").replace(/(?<!typeof )\bimport\("([^"]+)"\)/g, (whole, word) => {
          const other = otherChunk(path, word);
          return other ? `later("${other.chunk}").then((sources) => sources["${other.file}"])` : whole;
        }),
      }));
    },
  };
}

/**
 * Node's own modules are loaded when one of their names is first used: to load `node:crypto` takes a sixth of Node's start.
 * Only the names that somebody imports are there.
 */
function ofNode() {
  const builtin = new RegExp(`^(node:)?(${builtinModules.join("|").replaceAll("/", "\\/")})$`);
  return {
    name: "modules of Node",
    setup(builder) {
      builder.onResolve({ filter: builtin }, ({ path, kind }) =>
        kind === "import-statement" ? { path, namespace: "node" } : undefined,
      );
      builder.onLoad({ filter: /.*/, namespace: "node" }, ({ path }) => {
        const module = `process.getBuiltinModule("${path}")`;
        if (/^(node:)?(fs|path)$/.test(path)) return { contents: `export default ${module};` }; // Node itself has loaded them
        const getters = plan
          .namesOf(path)
          .map((name) => `get ${name}() { return ${module}${name === "default" ? "" : `.${name}`}; }`);
        return { contents: `module.exports = { __esModule: true, ${getters} };` };
      });
    },
  };
}

function licenseOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? readFileSync(`${folder}/${file}`, "utf8").trim() : "";
  return `== ${name} ${version} (${license})\n\n${text}\n`;
}
