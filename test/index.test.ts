import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { tempDir } from "./support/cli.ts";

test("the root import loads our own files, and no package", () => {
  const cwd = tempDir();
  const library = path.resolve(import.meta.dirname, "../dist/index.js");
  fs.writeFileSync(
    `${cwd}/hook.mjs`,
    `import { register } from "node:module"; import fs from "node:fs";
     register("data:text/javascript," + encodeURIComponent('import fs from "node:fs"; export async function load(url, c, next) { fs.appendFileSync("loaded", url + "\\\\n"); return next(url, c); }'));`,
  );
  spawnSync(process.execPath, ["--import", "./hook.mjs", "-e", `import(${JSON.stringify(library)})`], { cwd });
  const loaded = fs
    .readFileSync(`${cwd}/loaded`, "utf8")
    .split("\n")
    .filter((url) => url.includes("node_modules"));
  expect(loaded).toEqual([]);
});
