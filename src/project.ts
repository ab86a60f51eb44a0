import fs from "node:fs";
import path from "node:path";
import { errno, RelayError } from "./errors.ts";

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

export interface Surroundings {
  readonly cwd: string;
  readonly home: string | undefined;
  readonly dir?: string | undefined;
  /** `AGENT_RELAY_DIR`. */
  readonly envDir?: string | undefined;
}

/**
 * Finds the project's relay: as told; else, in a git repository, a `.relay` upward to the worktree's root, else in the
 * main worktree, which all worktrees share; else, outside one, the nearest upward that is ours, not above the home
 * folder nor on another disk; else the working folder. Reads `.git` by file, and starts no child process.
 */
export function findProject({ cwd, home, dir, envDir }: Surroundings): Project {
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
    const main = worktree.repository;
    const because =
      main === worktree.root ? "the root of this git repository" : "the main worktree of this git repository";
    return at(path.join(main, ".relay"), because);
  }

  if (isThere(path.join(here, ".relay"))) return at(path.join(here, ".relay"), "it is in this folder");
  const isOurs = (folder: string) => isOwn(path.join(folder, ".relay"));
  const above = upward(here, isOurs, home === undefined ? undefined : realPath(home));
  if (above !== undefined) return at(path.join(above, ".relay"), "the nearest .relay upward");
  return at(path.join(here, ".relay"), "there is no git repository and no .relay upward, so it is this folder");
}

/** The git worktree that a folder lies in, and the folder that stands for its whole repository; undefined outside git. */
export function worktreeOf(folder: string): { readonly root: string; readonly repository: string } | undefined {
  const root = upward(folder, (each) => fs.existsSync(path.join(each, ".git")));
  return root === undefined ? undefined : { root, repository: mainWorktree(root) };
}

/** The roots of all worktrees of the repository that a folder lies in, its own first; none outside git. */
export function worktreesOf(folder: string): string[] {
  const own = worktreeOf(folder);
  if (own === undefined) return [];
  const linked = path.join(gitDirOf(own.root).shared, "worktrees");
  const roots = namesIn(linked).flatMap((name) => {
    const file = readIfFile(path.join(linked, name, "gitdir"))?.trim();
    return file === undefined ? [] : [path.dirname(path.resolve(linked, name, file))];
  });
  return [...new Set([own.root, own.repository, ...roots.map(realPath)])];
}

function at(dir: string, because: string): Project {
  return { dir, exists: isThere(dir), because };
}

/** The nearest folder from `start` up that `fits`, no farther than `last`, and not on another disk. */
function upward(start: string, fits: (folder: string) => boolean, last?: string): string | undefined {
  const disk = fs.statSync(start, { throwIfNoEntry: false })?.dev;
  for (let folder = start; ; folder = path.dirname(folder)) {
    if (fs.statSync(folder, { throwIfNoEntry: false })?.dev !== disk) return undefined;
    if (fits(folder)) return folder;
    if (folder === last || folder === path.dirname(folder)) return undefined;
  }
}

/**
 * The root of the main worktree of the repository that has a worktree at `root`. A linked worktree's `.git` is a file
 * that names its git folder, whose `commondir` leads to the shared one. A submodule has no `commondir`: it is a
 * repository of its own.
 */
function mainWorktree(root: string): string {
  const { own, shared } = gitDirOf(root);
  if (own === shared) return root;
  const main = homeOf(shared);
  return fs.existsSync(main) ? realPath(main) : root;
}

/** The branch that is checked out in a worktree; undefined where that cannot be told. */
export function branchOf(root: string): string | undefined {
  return /^ref: refs\/heads\/(.+)$/m.exec(readIfFile(path.join(gitDirOf(root).own, "HEAD")) ?? "")?.[1];
}

/** A worktree's own git folder, and the one it shares with the others of its repository. */
function gitDirOf(root: string): { readonly own: string; readonly shared: string } {
  const named = /^gitdir: (.+)$/m.exec(readIfFile(path.join(root, ".git")) ?? "")?.[1];
  const own = named === undefined ? path.join(root, ".git") : path.resolve(root, named.trim());
  const common = readIfFile(path.join(own, "commondir"))?.trim();
  return { own, shared: common === undefined ? own : path.resolve(own, common) };
}

/**
 * The folder that stands for a repository: its main worktree; for a submodule the one that its configuration names; for a
 * bare one in a hidden folder what it is hidden in; for any other bare one itself, since others may lie beside it.
 */
function homeOf(shared: string): string {
  const named = /^\s*worktree = (.+)$/m.exec(readIfFile(path.join(shared, "config")) ?? "")?.[1];
  if (named !== undefined) return path.resolve(shared, named.trim());
  return path.basename(shared).startsWith(".") ? path.dirname(shared) : shared;
}

function namesIn(folder: string): string[] {
  try {
    return fs.readdirSync(folder);
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return []; // not there
  }
}

function readIfFile(file: string): string | undefined {
  try {
    if (!fs.statSync(file).isFile()) return undefined; // a folder (the main worktree's .git), or a pipe that would block
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return undefined; // not there
  }
}

function realPath(folder: string): string {
  try {
    return fs.realpathSync(folder);
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return path.resolve(folder);
  }
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
