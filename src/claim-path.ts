import fs from "node:fs";
import path from "node:path";
import type { Target } from "./claim.ts";
import { errno, RelayError } from "./errors.ts";
import { expandBraces, isGlob, literal } from "./overlap.ts";
import { worktreeOf } from "./project.ts";

const MAX_PATH = 4096; // bytes; no system opens a longer one

export interface Whence {
  /** What relative paths are relative to. */
  readonly cwd: string;
  /** The project's folder, for what lies in no git repository. */
  readonly project: string;
  /** Means the path in this worktree only, not the same one in all of them. */
  readonly apart?: boolean | undefined;
}

/**
 * What a path as typed means, in one spelling: relative to `cwd`, links resolved as far as there are files, then relative
 * to the root of its worktree, so that one file has one name in all worktrees; absolute outside the project; folded where
 * the disk folds case. A glob with braces is several targets. Throws `usage`.
 */
export function pathTargets(typed: string, whence: Whence): Target[] {
  if (typed === "" || typed.includes("\0") || Buffer.byteLength(typed) > MAX_PATH)
    throw wrong(typed, "it is no path", 'give one such as src/db.ts or "src/**"');
  if (!isGlob(typed) || isThere(path.resolve(whence.cwd, typed))) return [target(typed, [], whence)];
  return expanded(typed).map((pattern) => {
    const segments = pattern.split(/[/\\]/);
    const first = segments.findIndex((segment) => isGlob(segment));
    const [base, rest] = first < 0 ? [segments, []] : [segments.slice(0, first), segments.slice(first)];
    if (rest.includes("..")) throw wrong(typed, 'it goes up ("..") after a wildcard', "write it without ..");
    return target(base.join("/") || (pattern.startsWith("/") ? "/" : "."), rest, whence);
  });
}

function expanded(typed: string): string[] {
  try {
    return expandBraces(typed);
  } catch (error) {
    if (error instanceof RangeError) throw wrong(typed, error.message, "claim the folder instead");
    throw error;
  }
}

/** `base` has no wildcards, `rest` begins with one. */
function target(base: string, rest: readonly string[], whence: Whence): Target {
  const real = realPath(path.resolve(whence.cwd, base));
  const here = worktreeOf(whence.cwd);
  const there = worktreeOf(nearestFolder(real));
  const isOurs = there !== undefined && there.repository === here?.repository;
  const root = isOurs ? there.root : whence.project;
  const relative = path.relative(root, real).split(path.sep).join("/");
  if (rest.length === 0 && path.relative(real, root) !== "" && isInside(root, real))
    throw wrong(base, "the whole project lies in it", "claim . for the project itself");
  const isOutside = !isInside(real, root);
  const fixed = isOutside ? real.split(path.sep).join("/") : relative;
  const spelled = [...(fixed === "" ? [] : [literal(fixed)]), ...rest].join("/");
  const folded = foldsCase(root) ? spelled.normalize("NFC").toLowerCase() : spelled;
  return { path: folded === "" ? "." : folded, ...(whence.apart && !isOutside ? { worktree: root } : {}) };
}

function isInside(file: string, folder: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== ".." && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

/** The path with links resolved through its nearest ancestor that is there. */
function realPath(file: string): string {
  try {
    return fs.realpathSync(file);
  } catch (error) {
    const code = errno(error);
    if (code === "ELOOP") throw wrong(file, "its symbolic links go round in a circle", "look at it with ls -l");
    const parent = path.dirname(file);
    if (code === undefined || parent === file) throw error;
    return path.join(realPath(parent), path.basename(file));
  }
}

function nearestFolder(file: string): string {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat?.isDirectory() || file === path.dirname(file) ? file : nearestFolder(path.dirname(file));
}

function isThere(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

/** Whether `a` and `A` are one file here: told by a folder of that path that has letters in its name. */
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
  return new RelayError("usage", `Cannot use ${JSON.stringify(typed.slice(0, 200))} as a path: ${why}`, { next });
}
