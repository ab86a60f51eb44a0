import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import { errno, systemError } from "../errors.ts";
import type { Ended } from "./daemon.ts";

const GRACE = 10_000; // ms between being asked to end and being killed

export interface ChildOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its output goes to the end of this file. */
  readonly log: string;
  /** ms */
  readonly timeLimit: number;
  readonly signal: AbortSignal;
}

/** Runs a program, never through a shell, and with all that it starts in a group of its own, which ends with it. */
export async function runChild(command: readonly string[], options: ChildOptions): Promise<Ended> {
  const [program = "", ...args] = command;
  const log = fs.openSync(options.log, "a", 0o600);
  try {
    const child = spawn(program, args, {
      ...{ cwd: options.cwd, env: { ...options.env }, stdio: ["ignore", log, log] },
      detached: true,
    });
    let wasCut = false;
    const kill = (signal: NodeJS.Signals) => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, signal);
      } catch (error) {
        if (errno(error) !== "ESRCH") throw error; // else it has ended by itself
      }
    };
    const cut = () => {
      kill("SIGTERM");
      timers.push(setTimeout(() => kill("SIGKILL"), GRACE));
    };
    const timers = [
      setTimeout(() => {
        wasCut = true;
        cut();
      }, options.timeLimit),
    ];
    options.signal.addEventListener("abort", cut);
    try {
      const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, signal) => resolve([code, signal]));
      });
      return { code: code ?? 128 + (signal === null ? 0 : os.constants.signals[signal]), wasCut };
    } finally {
      options.signal.removeEventListener("abort", cut);
      for (const timer of timers) clearTimeout(timer);
      kill("SIGKILL"); // what it left behind
    }
  } catch (error) {
    throw systemError(`start "${program}"`, error);
  } finally {
    fs.closeSync(log);
  }
}
