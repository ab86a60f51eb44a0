// Builds dist/: the library as ES modules with types, and the command as CommonJS, one file a verb, because Node loads
// that fastest.
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc"], { stdio: "inherit" });

await build({
  entryPoints: ["src/cli/entry.ts", ...readdirSync("src/cli/commands").map((file) => `src/cli/commands/${file}`)],
  outdir: "dist/cli",
  outExtension: { ".js": ".cjs" },
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  minifySyntax: true,
  legalComments: "none",
  logLevel: "warning",
  plugins: [
    {
      name: "one file a verb",
      setup(builder) {
        builder.onResolve({ filter: /\/commands\/[a-z]+\.ts$/ }, ({ path, kind }) =>
          kind === "dynamic-import" ? { path: path.replace(/\.ts$/, ".cjs"), external: true } : undefined,
        );
      },
    },
  ],
});
