// Builds dist/: the library as ES modules with types, and the command as CommonJS, which Node loads fastest: a small
// entry, one file a verb, and the two libraries beside them, so that a run reads only what it needs.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname } from "node:path";
import { build } from "esbuild";

// What these load only when it is used: files of their own too.
const LOADERS = ["relay", "tasks", "wait-marks", "send", "look"];
const LATER = LOADERS.flatMap((name) =>
  [...readFileSync(`src/${name}.ts`, "utf8").matchAll(/import\("\.\/([a-z/-]+)\.ts"\)/g)].map(([, name]) => name),
);
const LIBRARIES = ["commander", "proper-lockfile"];

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

execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "--outDir", out], { stdio: "inherit" });
await build({
  ...settings,
  entryPoints: LIBRARIES,
  outdir: `${out}/cli/libraries`,
  plugins: [late("node:child_process", "commander", "spawn")], // only for verbs that are programs of their own: we have none
});
await build({
  ...settings,
  entryPoints: Object.fromEntries(
    [
      "src/cli/entry.ts",
      ...readdirSync("src/cli/commands").map((file) => `src/cli/commands/${file}`),
      ...LATER.map((name) => `src/${name}.ts`),
    ].map((file) => [chunkOf(file), file]),
  ),
  outdir: `${out}/cli`,
  plugins: [
    {
      name: "one file a verb",
      setup(builder) {
        builder.onResolve({ filter: /^\.\/((commands|upkeep)\/)?[a-z-]+\.ts$/ }, ({ path, kind, importer }) =>
          kind === "dynamic-import" &&
          (/\/cli\//.test(importer) || LOADERS.some((name) => importer.endsWith(`/src/${name}.ts`)))
            ? { path: `./${chunkOf(`${dirname(importer)}/${path}`)}.cjs`, external: true }
            : undefined,
        );
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

/** The file that a source becomes the start of. */
function chunkOf(file) {
  return file.includes("/cli/") ? basename(file, ".ts") : `relay-${basename(file, ".ts")}`;
}

/** Imports Node's modules as they are; esbuild would copy their hundreds of names once for each file that imports them. */
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
rmSync(out, { recursive: true });
execFileSync(process.execPath, ["src/cli/warm.cjs"], { stdio: "inherit" });
