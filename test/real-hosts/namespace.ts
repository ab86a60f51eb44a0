import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";

const INSIDE = path.join(import.meta.dirname, "inside.mjs");
const PORT = 8080; // free: each run has a namespace of its own
const LIMIT = 120_000; // ms; what runs longer hangs

/** Where a program in the namespace finds what answers on the socket. */
export const STUB_URL = `http://127.0.0.1:${PORT}`;

/** A program to run, and all that it gets of this machine. */
export interface Run {
  readonly socket: string;
  readonly command: readonly [program: string, ...args: string[]];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** The file that gets what it prints. */
  readonly log: string;
}

/** Why programs cannot be run without a network here; undefined where they can. */
export function whyNotIsolated(): string | undefined {
  if (process.platform !== "linux") return "only Linux has network namespaces";
  const [program, ...args] = isolated("/none", "true");
  const ran = spawnSync(program, args, { encoding: "utf8", timeout: 20_000 });
  if (ran.error) return `a network namespace cannot be made: ${ran.error.message}`;
  return ran.status === 0 ? undefined : `a network namespace cannot be made: ${ran.stderr.trim()}`;
}

/** Runs a program where only loopback is, to its end or until it hangs. Returns its exit code; undefined where it hung. */
export async function runIsolated(run: Run): Promise<number | undefined> {
  const child = start(run, "ignore");
  let hasHung = false;
  const timer = setTimeout(() => {
    hasHung = true;
    killGroup(child);
  }, LIMIT);
  const [code] = await once(child, "exit");
  clearTimeout(timer);
  killGroup(child); // what it left running
  return hasHung ? undefined : code;
}

/** Starts a program there, and ends it when `use`, which talks to it, is done. */
export async function withIsolated<T>(run: Run, use: (child: ChildProcess) => Promise<T>): Promise<T> {
  const child = start(run, "pipe");
  const ended = once(child, "exit");
  try {
    const early = ended.then(([code]) => {
      throw new Error(`it ended by itself, with exit code ${code}`);
    });
    return await Promise.race([use(child), early]);
  } finally {
    killGroup(child);
    await ended;
  }
}

function start({ socket, command, cwd, env, log }: Run, talks: "ignore" | "pipe"): ChildProcess {
  const [program, ...args] = isolated(socket, ...command);
  const out = fs.openSync(log, "a");
  const stdio = [talks, talks === "pipe" ? "pipe" : out, out] as const;
  const child = spawn(program, args, { cwd, env, stdio: [...stdio], detached: true });
  child.stdin?.on("error", () => {}); // it has ended: what waits for its answer says so
  fs.closeSync(out);
  return child;
}

function isolated(socket: string, ...command: string[]): [string, ...string[]] {
  const inside = [process.execPath, INSIDE, socket, String(PORT)];
  const [user, group] = [process.getuid?.(), process.getgid?.()];
  if (user === 0) return ["unshare", "--net", ...inside, ...command];
  // Who is not root is root in a namespace of users, where one of networks may be made; the program is to be who we are.
  const again = ["unshare", `--map-user=${user}`, `--map-group=${group}`];
  return ["unshare", "--map-root-user", "--net", ...inside, ...again, ...command];
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
