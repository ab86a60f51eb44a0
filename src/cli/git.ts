import { spawnSync } from "node:child_process";
import { RelayError } from "../errors.ts";

/** What git prints. Throws `failed` with what git says of it; `not_found` where there is no git, or no repository. */
export function git(cwd: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync("git", args, {
    cwd,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  // Some sandboxes say EPERM of a process that ran all the same.
  if (status === 0) return stdout;
  const why = (stderr || error?.message || `it ended with ${status}`).trim().split("\n")[0] ?? "";
  if (error || /not a git repository/.test(why))
    throw new RelayError("not_found", `Cannot run git here: ${why}`, { next: "cd to a git repository" });
  throw new RelayError("failed", `Cannot run git ${args[0] ?? ""}: ${why}`);
}

/** The names in output that git ends each with a NUL. */
export function names(output: string): string[] {
  return output.split("\0").filter((name) => name !== "");
}
