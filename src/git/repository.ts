import fs from "node:fs";
import path from "node:path";
import { errno } from "../errors.ts";

/** The git worktree that a folder lies in, and the folder that stands for the repository; undefined outside git. */
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

/** The nearest folder from `start` up that `fits`, no farther than `last`, and not on another disk. */
export function upward(start: string, fits: (folder: string) => boolean, last?: string): string | undefined {
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

/** The branch that is checked out in a worktree; undefined if there is none, or it cannot be read. */
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
 * The folder that stands for a repository: its main worktree; for a submodule the worktree that its configuration
 * names; for a bare repository in a hidden folder the parent of that folder; for any other bare one itself, since other
 * repositories may lie beside it.
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
    if (!fs.statSync(file).isFile()) return undefined; // a folder (a main worktree's .git), or a pipe that would block
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return undefined; // not there
  }
}

export function realPath(folder: string): string {
  try {
    return fs.realpathSync(folder);
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return path.resolve(folder);
  }
}
