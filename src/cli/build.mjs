// Builds dist/: the library as one ES module with its types, since Node takes 70 ms to find 137 of them; and the command as
// CommonJS, which Node loads fastest: a small entry, one file a verb, and commander beside them, so that a run reads only what
// it needs.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build } from "esbuild";

// What is loaded only when it is used is a file of its own. The stores come in one piece: each part of one is used by
// most runs.
const LATER = [
  ...new Set(
    sources("src").flatMap((file) =>
      [...readFileSync(file, "utf8").matchAll(/\bimport\("(\.[^"]+\.ts)"\)/g)].map(([, target]) =>
        join(dirname(file), target),
      ),
    ),
  ),
].filter((file) => !file.startsWith("src/store/"));
const LIBRARIES = ["commander"];

const out = mkdtempSync("dist-");
const settings = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  outExtension: { ".js": ".cjs" },
  supported: { "dynamic-import": false }, // require instead: import() would bring up the ES module loader
  minify: true, // a run compiles what it loads: half the bytes, half the time
  legalComments: "none",
  logLevel: "warning",
  metafile: true,
  alias: { "jsonc-parser": "jsonc-parser/lib/esm/main.js" }, // its other form cannot be bundled
};

const types = ["--emitDeclarationOnly", "--outDir", out];
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", ...types], { stdio: "inherit" });
await build({
  ...{ bundle: true, platform: "node", target: "node20", format: "esm", logLevel: "warning" },
  entryPoints: ["src/index.ts"],
  outfile: `${out}/index.js`,
  packages: "external",
});
const libraries = await build({
  ...settings,
  entryPoints: LIBRARIES,
  outdir: `${out}/cli/libraries`,
  plugins: [
    late("node:child_process", "commander", "spawn"), // only for verbs that are programs of their own: we have none
  ],
});
const command = await build({
  ...settings,
  entryPoints: Object.fromEntries(
    ["src/cli/entry.ts", ...LATER, "src/server/write-worker.ts"].map((file) => [chunkOf(file), file]),
  ),
  outdir: `${out}/cli`,
  plugins: [
    {
      name: "one file a verb",
      setup(builder) {
        builder.onResolve({ filter: /^\..*\.ts$/ }, ({ path, kind, importer }) => {
          const file = relative(".", join(dirname(importer), path));
          return kind === "dynamic-import" && LATER.includes(file)
            ? { path: `./${chunkOf(file)}.cjs`, external: true }
            : undefined;
        });
        builder.onResolve({ filter: new RegExp(`^(${LIBRARIES.join("|")})$`) }, ({ path }) => ({
          path: `./libraries/${path}.cjs`,
          external: true,
        }));
      },
    },
    plain("fs", "os", "path", "util"),
    late("node:crypto", "nanoid", "webcrypto"), // asked for when nanoid is loaded; most runs make no id
  ],
});

await build({
  entryPoints: ["src/hosts/opencode-plugin.ts"],
  outfile: `${out}/cli/opencode-plugin.mjs`,
  format: "esm",
  target: "es2023",
  charset: "utf8",
  logLevel: "warning",
});

writeFileSync(`${out}/cli/LICENSES.txt`, licensesOf([libraries, command]));

/** The licences of what is bundled, each with its package's name. */
function licensesOf(builds) {
  const files = builds.flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const packages = new Set(
    files.flatMap((file) => /.*node_modules\/(@[^/]+\/[^/]+|[^/@]+)(?=\/)/.exec(file)?.[0] ?? []),
  );
  return [...packages].sort().map(licenseOf).join("\n");
}

function licenseOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? readFileSync(`${folder}/${file}`, "utf8").trim() : "";
  return `== ${name} ${version} (${license})\n\n${text}\n`;
}

/** The name of the output file that starts with a source: `claim` for a verb, else its whole path: `claims-claims`. */
function chunkOf(file) {
  return file
    .replace(/^src\/(cli\/commands\/|cli\/)?/, "")
    .replace(/\.ts$/, "")
    .replaceAll("/", "-");
}

function sources(folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".ts"));
  return names.map((name) => join(folder, name));
}

/** Imports Node's modules as they are; esbuild would copy their hundreds of names for each file that imports them. */
function plain(...names) {
  return {
    name: "plain modules",
    setup(builder) {
      builder.onResolve({ filter: new RegExp(`^node:(${names.join("|")})$`) }, ({ path }) => ({
        path,
        namespace: "plain",
      }));
      builder.onLoad({ filter: /.*/, namespace: "plain" }, ({ path }) => ({
        contents: `export default process.getBuiltinModule("${path}");`,
      }));
    },
  };
}

/** What `library` imports as `name` from one of Node's modules is loaded when it is first used. */
function late(module, library, name) {
  return {
    name: `late ${module}`,
    setup(builder) {
      builder.onResolve({ filter: new RegExp(`^${module}$`) }, ({ importer }) =>
        importer.includes(`/node_modules/${library}/`) ? { path: module, namespace: "late" } : undefined,
      );
      builder.onLoad({ filter: /.*/, namespace: "late" }, () => ({
        contents: `Object.defineProperty(exports, "${name}", { get: () => process.getBuiltinModule("${module}").${name} });`,
      }));
    },
  };
}

rmSync("dist", { recursive: true, force: true });
cpSync(out, "dist", { recursive: true });
chmodSync("dist", 0o755); // mkdtemp makes a folder for its user alone
rmSync(out, { recursive: true });
execFileSync(process.execPath, ["src/cli/warm.cjs"], { stdio: "inherit" });
