import { spawnSync } from "node:child_process";
import { Relay } from "../../src/index.ts";
import { COMMAND } from "./paths.ts";

export function environment(cwd: string, session: string): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: cwd, USER: "ann", AGENT_RELAY_SESSION: session };
}

export function run(cwd: string, session: string, args: readonly string[], input = "") {
  return spawnSync(process.execPath, [COMMAND, ...args], {
    cwd,
    env: environment(cwd, session),
    input,
    encoding: "utf8",
  });
}

export function shell(cwd: string, session: string, script: string) {
  const env = { ...environment(cwd, session), relay: `${process.execPath} ${COMMAND}` };
  return spawnSync("sh", ["-c", script], { cwd, env, encoding: "utf8" });
}

/** Resolves when a session is registered, so that a watcher of it is there. */
export async function present(cwd: string, session: string): Promise<void> {
  const relay = new Relay(`${cwd}/.relay`);
  while (!(await relay.agents.find(session))) await new Promise((resolve) => setTimeout(resolve, 5));
}
