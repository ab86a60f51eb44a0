import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { RelayError } from "../errors.ts";

/** The output of git. Throws `failed` with git's own message, `not_found` if there is no git or no repository. */
export function git(cwd: string, ...args: readonly string[]): string {
  return printed(run(cwd, args), args);
}

/** The variables by which git tells its hooks and aliases which repository they are for: another, it may be. */
const OF_A_REPOSITORY = [
  ...[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
  ],
  ...[
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
  ],
  ...["GIT_INDEX_FILE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_NAMESPACE", "GIT_NO_REPLACE_OBJECTS", "GIT_OBJECT_DIRECTORY"],
  ...["GIT_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE"],
];

/** This process's environment without what git says of a repository, except `kept`. */
export function gitEnv(kept: readonly string[] = []): NodeJS.ProcessEnv {
  const isOthers = (name: string) => OF_A_REPOSITORY.includes(name) && !kept.includes(name);
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOthers(name)));
}

/** The output of git for what a hook of git is about to commit, which git may have put into an index of its own. */
export function gitOfCommit(cwd: string, ...args: readonly string[]): string {
  return printed(run(cwd, args, "", gitEnv(["GIT_INDEX_FILE"])), args);
}

/** The output of git with `input` on its stdin. Throws as `git` does. */
export function gitReading(input: string, cwd: string, ...args: readonly string[]): string {
  return printed(run(cwd, args, input), args);
}

/** The output of git for a question: undefined if the answer is no, which is exit code 1. Throws as `git` does. */
export function askGit(cwd: string, ...args: readonly string[]): string | undefined {
  const ran = run(cwd, args);
  return ran.status === 1 ? undefined : printed(ran, args);
}

/** The names in output that git ends each with a NUL. */
export function names(output: string): string[] {
  return output.split("\0").filter((name) => name !== "");
}

function run(cwd: string, args: readonly string[], input = "", env = gitEnv()): SpawnSyncReturns<string> {
  // A reader does not refresh the index: its lock would keep out a commit.
  const all = ["--no-optional-locks", ...args];
  return spawnSync("git", all, { cwd, input, env, encoding: "utf8", maxBuffer: 256 * 1024 * 1024 });
}

function printed({ status, stdout, stderr, error }: SpawnSyncReturns<string>, args: readonly string[]): string {
  // Some sandboxes report EPERM for a process that ran all the same.
  if (status === 0) return stdout;
  const why = (stderr || error?.message || `it ended with ${status}`).trim().split("\n")[0] ?? "";
  if (error || /not a git repository/.test(why))
    throw new RelayError("not_found", `Cannot run git here: ${why}`, { next: "cd to a git repository" });
  throw new RelayError("failed", `Cannot run git ${args[0] ?? ""}: ${why}`);
}
