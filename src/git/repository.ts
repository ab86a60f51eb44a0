import fs from "node:fs";
import path from "node:path";
import { errno } from "../errors.ts";

// Where git says that a repository is, read from its files: no child process, and no variable of git, which a hook or an
// alias sets for a repository that may be another.

export interface GitWorktree {
  readonly root: string;
  /** The folder that stands for the repository, the same from each of its worktrees. */
  readonly repository: string;
  /** The git folder that `.git` names and that is not there: the repository was moved, or is not mounted here. */
  readonly lost?: string;
}

/** The git worktree that a folder lies in; undefined outside git. */
export function worktreeOf(folder: string): GitWorktree | undefined {
  const root = upward(folder, hasGit);
  if (root === undefined) return undefined;
  const { own, shared } = gitDirOf(root);
  const lost = [own, shared].find((each) => !fs.existsSync(each));
  if (lost !== undefined) return { root, repository: root, lost };
  return { root, repository: isGitDir(realPath(shared)) ? homeOf(realPath(shared)) : root };
}

/** Whether a folder itself is a bare repository, or a worktree's git folder. */
export function isGitDir(folder: string): boolean {
  const has = (name: string) => fs.existsSync(path.join(folder, name));
  return has("HEAD") && (has("commondir") || (has("objects") && has("refs")));
}

/** Whether git takes a folder for a worktree's root. It passes over a folder called .git that is none of its own. */
function hasGit(folder: string): boolean {
  const file = path.join(folder, ".git");
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat !== undefined && (!stat.isDirectory() || isGitDir(file));
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

/** The branch that is checked out in a worktree; undefined if there is none, or it cannot be read. */
export function branchOf(root: string): string | undefined {
  return /^ref: refs\/heads\/(.+)$/m.exec(readIfFile(path.join(gitDirOf(root).own, "HEAD")) ?? "")?.[1];
}

/**
 * A worktree's own git folder, and the one it shares with the others of its repository. A linked worktree's `.git` is a
 * file that names its git folder, whose `commondir` leads to the shared one. A submodule has no `commondir`: it is a
 * repository of its own.
 */
function gitDirOf(root: string): { readonly own: string; readonly shared: string } {
  const named = /^gitdir: (.+)$/m.exec(readIfFile(path.join(root, ".git")) ?? "")?.[1];
  const own = named === undefined ? path.join(root, ".git") : path.resolve(root, named.trim());
  const common = readIfFile(path.join(own, "commondir"))?.trim();
  return { own, shared: common === undefined ? own : path.resolve(own, common) };
}

/**
 * The folder that stands for a repository, by its git folder alone, which all its worktrees know: the worktree that its
 * configuration names, as of a submodule; the folder that `.git` lies in; for a bare repository in a hidden folder the
 * parent of that; for any other the git folder itself, since other repositories may lie beside it.
 */
function homeOf(shared: string): string {
  const config = readIfFile(path.join(shared, "config")) ?? "";
  const named = coreOf(config, "worktree");
  const worktree = named === undefined ? undefined : path.resolve(shared, named);
  if (worktree !== undefined && fs.existsSync(worktree)) return realPath(worktree);
  if (path.basename(shared) === ".git") return path.dirname(shared);
  const isHidden = path.basename(shared).startsWith(".") && coreOf(config, "bare") === "true";
  return isHidden ? path.dirname(shared) : shared;
}

/** A value of the section `[core]` of a configuration of git. */
function coreOf(config: string, name: string): string | undefined {
  const sections = config.split(/^[ \t]*(?=\[)/m).filter((section) => /^\[core\]/i.test(section));
  const value = new RegExp(`^[ \\t]*${name}[ \\t]*=[ \\t]*(.*?)[ \\t]*$`, "im").exec(sections.join("\n"))?.[1];
  return value?.replace(/^"(.*)"$/, "$1").replace(/\\(.)/g, "$1");
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
