import fs from "node:fs";
import path from "node:path";
import { RelayError } from "../errors.ts";
import { isGitDir, realPath, upward, worktreeOf } from "../git/repository.ts";
import { quoted } from "../shell/quote.ts";

/** Where the relay of a project is, or would be made. */
export interface Project {
  /** The relay's folder. */
  readonly dir: string;
  readonly exists: boolean;
  /** Why there, for a person to read. */
  readonly because: string;
  /** The address of the server that has the relay, if it is not in that folder. */
  readonly server?: string;
}

export interface FindOptions {
  readonly cwd: string;
  readonly home: string | undefined;
  readonly dir?: string | undefined;
  /** `AGENT_RELAY_DIR`. */
  readonly envDir?: string | undefined;
}

/**
 * Finds the project's relay: `dir` or `envDir` if given; else, in a git repository, a `.relay` upward to the worktree's
 * root, else in the main worktree, which all worktrees share; else, outside git, the nearest upward that is ours, not
 * above the home folder nor on another disk; else the working folder. Reads `.git` by file; starts no child process.
 */
export function findProject({ cwd, home, dir, envDir }: FindOptions): Project {
  if (dir === "") throw new RelayError("usage", "Cannot use no folder as the relay: --dir is empty");
  const told = dir ?? (envDir === "" ? undefined : envDir);
  if (told !== undefined)
    return at(path.resolve(cwd, told), dir === undefined ? "AGENT_RELAY_DIR says so" : "--dir says so");

  if (!isThere(cwd))
    throw new RelayError("not_found", `Cannot find the project: your working folder, ${cwd}, is gone`, {
      next: "cd to a folder that is there, or give --dir",
    });
  const here = realPath(cwd);
  const worktree = worktreeOf(here);
  if (worktree !== undefined) {
    const inside = upward(here, (folder) => isFolder(path.join(folder, ".relay")), worktree.root);
    if (inside !== undefined) return at(path.join(inside, ".relay"), "the nearest .relay in this git worktree");
    if (worktree.lost !== undefined)
      throw new RelayError("not_found", `Cannot find the repository of ${worktree.root}: ${worktree.lost} is gone`, {
        next: `if it was moved, git worktree repair ${quoted(worktree.root)} in it, or name the relay with --dir`,
      });
    const main = worktree.repository;
    const because =
      main === worktree.root ? "the root of this git repository" : "the main worktree of this git repository";
    return at(path.join(main, ".relay"), because);
  }

  if (isThere(path.join(here, ".relay"))) return at(path.join(here, ".relay"), "it is in this folder");
  if (isGitDir(here) && !hasWorktrees(here))
    throw new RelayError("not_found", `Cannot find the project: ${here} is a bare repository, in which nobody works`, {
      next: "cd to a worktree of it, or name the relay with --dir",
    });
  const isOurs = (folder: string) => isOwn(path.join(folder, ".relay"));
  const above = upward(here, isOurs, home === undefined ? undefined : realPath(home));
  if (above !== undefined) return at(path.join(above, ".relay"), "the nearest .relay upward");
  return at(path.join(here, ".relay"), "there is no git repository and no .relay upward, so it is this folder");
}

function at(dir: string, because: string): Project {
  return { dir, exists: isThere(dir), because };
}

function hasWorktrees(gitDir: string): boolean {
  return isFolder(path.join(gitDir, "worktrees"));
}

function isThere(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function isFolder(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isOwn(file: string): boolean {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return false;
  return process.getuid === undefined || stat.uid === process.getuid();
}
