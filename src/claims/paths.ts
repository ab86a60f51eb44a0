import fs from "node:fs";
import path from "node:path";
import type { Context } from "../context.ts";
import { errno, RelayError } from "../errors.ts";
import { worktreeOf } from "../git/repository.ts";
import { asTyped } from "../text.ts";
import type { ClaimTarget } from "./claim.ts";
import { isNameOfFile } from "./file-names.ts";
import { expandBraces, isGlob, literal, overlaps } from "./glob.ts";

const MAX_PATH_BYTES = 4096; // no system opens a longer one

/** `[id].ts`, `[...all]`, `[id=int]`, `[a]-[b]`: names in Next.js and its like. Brackets in such a name are no set. */
const ROUTE = /^(\[{1,2}(\.\.\.)?[\w-]+(=\w+)?\]{1,2}[-.@]?)+(\.?[\w.]+)?$/;
const RANGES = /\[(\w-\w)+\]/; // `[a-z]`, `[0-9]`

export interface PathBase {
  /** What relative paths are relative to. */
  readonly cwd: string;
  /** The project's folder, for what lies in no git repository. */
  readonly project: string;
  /** Means the path in this worktree only, not the same one in all of them. */
  readonly thisWorktreeOnly?: boolean | undefined;
  /** The path is a file's own name, which a program has: no character of it is a wildcard. */
  readonly exact?: boolean | undefined;
  /** The path is one of another machine: nothing here is looked at, and nothing can be learned of what is here. */
  readonly unseen?: boolean | undefined;
}

interface Place extends Pick<PathBase, "thisWorktreeOnly" | "exact"> {
  readonly cwd?: string | undefined;
}

/** What the paths that a session names are relative to; `cwd` if it says so. */
export function whence({ registration, project, store }: Context, { cwd, ...how }: Place = {}): PathBase {
  return { cwd: cwd ?? registration.cwd ?? project, project, unseen: store.isFromElsewhere, ...how };
}

/**
 * The targets of a typed path, in one spelling: relative to `cwd`, links resolved as far as files exist, then relative
 * to the root of its worktree, so that one file has one name in all worktrees; absolute outside the project; folded
 * where the disk folds case. A glob with braces is several targets. Whether it is a glob, and of files, is decided by
 * its spelling: the same before and after there is anything of that name. Throws `usage`.
 */
export function pathTargets(typed: string, pathBase: PathBase): ClaimTarget[] {
  if (typed === "" || typed.includes("\0") || Buffer.byteLength(typed) > MAX_PATH_BYTES)
    throw wrong(typed, "it is no path", 'agent-relay claim src/db.ts, or a glob such as "src/**"');
  if (pathBase.exact || !isGlob(typed)) return [target(typed, [], pathBase)];
  return expanded(typed).map((pattern) => {
    const segments = pattern.split(/[/\\]/);
    const to = (end: number) => segments.slice(0, end).join("/");
    const first = segments.findIndex(isWild);
    const [base, tail] = first < 0 ? [to(segments.length), []] : [to(first), segments.slice(first)];
    const rest = tail.map((segment) => (isWild(segment) ? segment : literal(segment)));
    if (rest.includes("..")) throw wrong(typed, 'it goes up ("..") after a wildcard', "write it without ..");
    return target(base || (pattern.startsWith("/") ? "/" : "."), rest, pathBase);
  });
}

function isWild(segment: string): boolean {
  if (/[*?]/.test(segment)) return true;
  return segment.includes("[") && (!ROUTE.test(segment) || RANGES.test(segment));
}

function expanded(typed: string): string[] {
  try {
    return expandBraces(typed);
  } catch (error) {
    if (error instanceof RangeError) throw wrong(typed, error.message, "claim the folder instead");
    throw error;
  }
}

/** `base` holds no wildcard; `rest` begins with one, or is empty. */
function target(base: string, rest: readonly string[], pathBase: PathBase): ClaimTarget {
  const cwd = realPath(pathBase.cwd);
  const real = pathBase.unseen ? path.resolve(cwd, base) : realPath(path.resolve(pathBase.cwd, base));
  const project = realPath(pathBase.project);
  const repository = worktreeOf(nearestFolder(project))?.repository;
  const worktree = worktreeIn(repository, pathBase.unseen ? project : real);
  const foreign = pathBase.unseen ? real : inMainWorktree(real);
  const [root, named] = worktree === undefined ? [project, foreign] : [worktree, real];
  const isOutside = !isInside(named, root);
  const fixed = isOutside ? named : path.relative(root, named);
  const spell = (...parts: string[]) => fold(parts.join("/").replace(/^\/\//, "/"), root);
  const pattern = spell(...(fixed === "" ? [] : [literal(posix(fixed))]), ...rest) || ".";
  const roots = [project, worktreeIn(repository, cwd) ?? project];
  if (
    isOutside &&
    (pattern === "/" || roots.some((each) => overlaps({ path: pattern }, { path: spell(literal(posix(each))) })))
  )
    throw wrong([base, ...rest].join("/"), "the whole project lies in it", "claim . for the project itself");
  const last = rest.at(-1) ?? base;
  const isLeaf = isNameOfFile(path.posix.basename(posix(last))) && !/[/\\]$/.test(last);
  const spelled = path.resolve(cwd, base);
  const isLinked = spelled !== real && isInside(spelled, root);
  return {
    path: pattern,
    ...(isLeaf ? { leaf: true } : {}),
    ...(isLinked ? { spelled: spell(literal(posix(path.relative(root, spelled))) || ".", ...rest) } : {}),
    ...(pathBase.thisWorktreeOnly && !isOutside ? { worktree: root } : {}),
  };
}

/** A claimed path, of any worktree, as it is typed in `cwd`. */
export function typedFrom(claimed: string, { cwd, project }: Pick<PathBase, "cwd" | "project">): string {
  if (path.isAbsolute(claimed)) return claimed;
  const [here, base] = [realPath(cwd), realPath(project)];
  const repository = worktreeOf(nearestFolder(base))?.repository;
  return posix(path.relative(here, path.join(worktreeIn(repository, here) ?? base, claimed))) || ".";
}

/** The root of the nearest worktree of `repository` around `file`; other repositories in it are part of it. */
function worktreeIn(repository: string | undefined, file: string): string | undefined {
  const found = worktreeOf(nearestFolder(file));
  if (!found || found.repository === repository) return found?.root;
  return path.dirname(found.root) === found.root ? undefined : worktreeIn(repository, path.dirname(found.root));
}

/** The path of another repository's file in the main worktree of that repository. */
function inMainWorktree(file: string): string {
  const worktree = worktreeOf(nearestFolder(file));
  return worktree ? path.join(worktree.repository, path.relative(worktree.root, file)) : file;
}

function posix(file: string): string {
  return file.split(path.sep).join("/");
}

function fold(pattern: string, folder: string): string {
  return foldsCase(folder) ? pattern.normalize("NFC").toLowerCase() : pattern;
}

function isInside(file: string, folder: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

/** The path with links resolved as far as it exists. A link is followed too if its file does not exist yet. */
export function realPath(file: string): string {
  try {
    return fs.realpathSync(file);
  } catch (error) {
    const code = errno(error);
    if (code === "ELOOP") throw wrong(file, "its symbolic links go round in a circle", "look at it with ls -l");
    const parent = path.dirname(file);
    if (code === undefined || parent === file) throw error;
    const isLink = statOf(file, "lstatSync")?.isSymbolicLink();
    return isLink
      ? realPath(path.resolve(realPath(parent), fs.readlinkSync(file)))
      : path.join(realPath(parent), path.basename(file));
  }
}

function nearestFolder(file: string): string {
  return statOf(file, "statSync")?.isDirectory() || file === path.dirname(file)
    ? file
    : nearestFolder(path.dirname(file));
}

/** A file's stat, or undefined: also where a name is too long, or a parent is not a folder. */
function statOf(file: string, how: "statSync" | "lstatSync"): fs.Stats | undefined {
  try {
    return fs[how](file);
  } catch (error) {
    if (errno(error) === undefined) throw error;
    return undefined;
  }
}

/** Whether `a` and `A` are one file in `folder`. Tries the nearest folder of that path with letters in its name. */
function foldsCase(folder: string): boolean {
  for (let here = folder; here !== path.dirname(here); here = path.dirname(here)) {
    const name = path.basename(here);
    const other = name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase();
    if (other === name) continue;
    const [one, two] = [here, path.join(path.dirname(here), other)].map((each) =>
      fs.statSync(each, { throwIfNoEntry: false }),
    );
    return one !== undefined && two !== undefined && one.ino === two.ino && one.dev === two.dev;
  }
  return false;
}

function wrong(typed: string, why: string, next: string): RelayError {
  return new RelayError("usage", `Cannot use ${asTyped(typed)} as a path: ${why}`, { next });
}
