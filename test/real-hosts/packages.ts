import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const LIMIT = 300_000; // ms for one package
const DONE = "installed"; // written last: a folder without it is half an installation

/** Where packages are kept from one run to the next. */
function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const caches = env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache");
  return path.resolve(env.AGENT_RELAY_HOSTS_CACHE || path.join(caches, "agent-relay-hosts"));
}

/** The folder with the programs of a package, which is installed if it is not there; or why it cannot be. */
export function installed(name: string, spec: string): { readonly folder: string } | { readonly whyNot: string } {
  try {
    return { folder: programsOf(name, spec) };
  } catch (error) {
    return { whyNot: `${spec} cannot be installed: ${error instanceof Error ? error.message : error}` };
  }
}

function programsOf(name: string, spec: string): string {
  const folder = path.join(cacheFolder(), `${name}-${spec.slice(spec.lastIndexOf("@") + 1)}`);
  const programs = path.join(folder, "node_modules", ".bin");
  if (fs.existsSync(path.join(folder, DONE))) return programs;
  fs.mkdirSync(cacheFolder(), { recursive: true });
  const draft = fs.mkdtempSync(`${folder}.`);
  try {
    install(spec, draft);
    fs.writeFileSync(path.join(draft, DONE), `${spec}\n`);
    fs.rmSync(folder, { recursive: true, force: true });
    fs.renameSync(draft, folder);
  } finally {
    fs.rmSync(draft, { recursive: true, force: true });
  }
  return programs;
}

function install(spec: string, folder: string): void {
  const began = Date.now();
  const flags = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix", folder];
  const ran = spawnSync("npm", ["install", ...flags, spec], { cwd: folder, encoding: "utf8", timeout: LIMIT });
  if (ran.error) throw ran.error;
  if (ran.status !== 0) throw new Error(firstLine(ran.stderr) || `npm ended with exit code ${ran.status}`);
  console.log(`installed ${spec} in ${Math.round((Date.now() - began) / 1000)} s, ${megabytes(folder)} MB`);
}

/** npm's own word for what went wrong; where it looked is nobody's business. */
function firstLine(text: string): string {
  const code = /npm error code (\S+)/.exec(text)?.[1];
  return code === undefined ? "" : `npm says ${code}`;
}

function megabytes(folder: string): number {
  const sizes = fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => fs.statSync(path.join(entry.parentPath, entry.name)))
    .map(({ size, nlink }) => size / nlink);
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1e6);
}
