import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
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

/** Runs a program, never through a shell, in a process group of its own. The whole group ends with the program. */
export async function runChild(command: readonly string[], options: ChildOptions): Promise<RunResult> {
  const [program = "", ...args] = command;
  const log = fs.openSync(options.log, "a", 0o600);
  try {
    const child = spawn(program, args, {
      ...{ cwd: options.cwd, env: { ...options.env }, stdio: ["ignore", log, log] },
      detached: true,
    });
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
        child.on("spawn", () => onStart(child.pid ?? 0).catch(reject));
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

/** Signals a program and all that it has started. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined && pid > 0) process.kill(-pid, signal);
  } catch (error) {
    if (errno(error) !== "ESRCH") throw error; // else it has ended by itself
  }
}
