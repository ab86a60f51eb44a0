import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { RelayError } from "../errors.ts";

/** What git prints. Throws `failed` with what git says of it; `not_found` where there is no git, or no repository. */
export function git(cwd: string, ...args: readonly string[]): string {
  return printed(run(cwd, args), args);
}

/** The same, with `input` on its stdin. */
export function gitReading(input: string, cwd: string, ...args: readonly string[]): string {
  return printed(run(cwd, args, input), args);
}

/** The same of a question: undefined where git's answer is no, which is its exit code 1. */
export function askGit(cwd: string, ...args: readonly string[]): string | undefined {
  const ran = run(cwd, args);
  return ran.status === 1 ? undefined : printed(ran, args);
}

/** The names in output that git ends each with a NUL. */
export function names(output: string): string[] {
  return output.split("\0").filter((name) => name !== "");
}

function run(cwd: string, args: readonly string[], input = ""): SpawnSyncReturns<string> {
  // Who only looks writes no fresher index, which would keep out who commits meanwhile.
  const all = ["--no-optional-locks", ...args];
  return spawnSync("git", all, { cwd, input, encoding: "utf8", maxBuffer: 256 * 1024 * 1024 });
}

function printed({ status, stdout, stderr, error }: SpawnSyncReturns<string>, args: readonly string[]): string {
  // Some sandboxes say EPERM of a process that ran all the same.
  if (status === 0) return stdout;
  const why = (stderr || error?.message || `it ended with ${status}`).trim().split("\n")[0] ?? "";
  if (error || /not a git repository/.test(why))
    throw new RelayError("not_found", `Cannot run git here: ${why}`, { next: "cd to a git repository" });
  throw new RelayError("failed", `Cannot run git ${args[0] ?? ""}: ${why}`);
}
