import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { ROOT as PROJECT } from "../support/paths.ts";

const VERSION = "0.4.1";
const ROOT = path.join(PROJECT, ".cache/crate");
const BINARY = path.join(ROOT, "bin", process.platform === "win32" ? "agent-relay.exe" : "agent-relay");
const PATIENCE = 15 * 60_000; // ms; it builds a web server and a database

/** The published `agent-relay` crate's command, built once; undefined, and a printed line, where that cannot be done. */
export const crate = await install();

async function install(): Promise<string | undefined> {
  if (isBuilt()) return BINARY;
  if (spawnSync("cargo", ["--version"]).status !== 0) return skip("cargo is not here");
  const args = ["install", "agent-relay", "--version", VERSION, "--root", ROOT, "--debug"]; // optimized, it takes longer to build than to run
  fs.mkdirSync(ROOT, { recursive: true });
  const problem = (await run([...args, "--locked"])) && (await run(args));
  return isBuilt() ? BINARY : skip(`the crate could not be built: ${problem}`);
}

function isBuilt(): boolean {
  return spawnSync(BINARY, ["--version"], { encoding: "utf8" }).stdout?.trim() === `agent-relay ${VERSION}`;
}

/** The last of what cargo said, if it failed. */
function run(args: readonly string[]): Promise<string | undefined> {
  const cargo = spawn("cargo", args, { stdio: ["ignore", "ignore", "pipe"], timeout: PATIENCE });
  let said = "";
  cargo.stderr.on("data", (chunk) => {
    said = (said + chunk).slice(-300);
  });
  return new Promise((resolve) => {
    cargo.on("error", (error) => resolve(error.message));
    cargo.on("close", (code) => resolve(code === 0 ? undefined : said.trim()));
  });
}

function skip(why: string): undefined {
  console.log(`skipped: the tests against the published crate, because ${why}`);
}
