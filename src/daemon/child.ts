import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Writable } from "node:stream";
import { errno, systemError } from "../errors.ts";
import type { RunOptions, RunResult } from "./daemon.ts";

const KILL_GRACE_MS = 10_000; // between being asked to end and being killed

export interface ChildOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its output goes to the end of this file. */
  readonly log: string;
  readonly run: RunOptions;
}

// A program begins when its pid is noted: of one that ran unnoted, when its daemon was killed just then, the next daemon knew
// nothing, and started another beside it. No shell reads its words: they are its arguments.
const GATE = 'read -r _ <&3 || exit 0; exec 3<&-; exec "$@"';

/** Runs a program, no word of it read by a shell, in a process group of its own. The whole group ends with the program. */
export async function runChild(command: readonly string[], options: ChildOptions): Promise<RunResult> {
  const [program = "", ...args] = command;
  const hasGate = process.platform !== "win32";
  const log = fs.openSync(options.log, "a", 0o600);
  try {
    if (hasGate) checkProgram(program, options);
    const [file, words] = hasGate ? ["/bin/sh", ["-c", GATE, "sh", program, ...args]] : [program, args];
    const child = spawn(file, words, {
      ...{ cwd: options.cwd, env: { ...options.env }, stdio: ["ignore", log, log, "pipe"] },
      detached: true,
    });
    const gate = child.stdio[3] as Writable;
    gate.on("error", () => {}); // it was killed before it began
    const { timeLimit, signal, onStart } = options.run;
    let wasCut = false;
    const kill = (how: NodeJS.Signals) => killGroup(child.pid, how);
    const cut = () => {
      kill("SIGTERM");
      timers.push(setTimeout(() => kill("SIGKILL"), KILL_GRACE_MS));
    };
    const timers = [
      setTimeout(() => {
        wasCut = true;
        cut();
      }, timeLimit),
    ];
    signal.addEventListener("abort", cut);
    try {
      const [code, by] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, by) => resolve([code, by]));
        child.on("spawn", () => onStart(child.pid ?? 0).then(() => gate.end("\n"), reject));
      });
      return { code: code ?? 128 + (by === null ? 0 : os.constants.signals[by]), wasCut };
    } finally {
      signal.removeEventListener("abort", cut);
      for (const timer of timers) clearTimeout(timer);
      kill("SIGKILL"); // processes that the program left behind
    }
  } catch (error) {
    throw systemError(`start "${program}"`, error);
  } finally {
    fs.closeSync(log);
  }
}

/** Throws what the system says of a program that cannot be run. */
function checkProgram(program: string, { cwd, env }: ChildOptions): void {
  const folders = program.includes("/") ? [""] : (env.PATH ?? "").split(path.delimiter);
  const canRun = (file: string) => fs.statSync(file, { throwIfNoEntry: false })?.isFile() && isExecutable(file);
  if (folders.some((folder) => canRun(path.resolve(cwd, folder, program)))) return;
  throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return true;
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return false;
  }
}

/** Signals a program and all that it has started. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined && pid > 0) process.kill(-pid, signal);
  } catch (error) {
    if (errno(error) !== "ESRCH") throw error; // else it has ended by itself
  }
}
