import { RelayError } from "../errors.ts";
import { worktreeOf, worktreesOf } from "./repository.ts";
import { askGit, git, names } from "./run.ts";

/** A worktree of the repository, as it is now. */
export interface Worktree {
  readonly root: string;
  /** Its last commit; undefined before the first. */
  readonly head: string | undefined;
  /** `HEAD` where no branch is checked out. */
  readonly branch: string;
  /** The files changed, added or removed since that commit, and those that git neither knows nor ignores. */
  readonly uncommitted: readonly string[];
}

/** The worktrees of the repository of `folder`, the main one first, and a line for each that cannot be read. */
export function readWorktrees(folder: string): { worktrees: Worktree[]; leftOut: string[] } {
  const here = worktreeOf(folder);
  if (here === undefined) return { worktrees: readIf(folder), leftOut: [] };
  const worktrees: Worktree[] = [];
  const leftOut: string[] = [];
  for (const root of worktreesOf(folder)) {
    const found = worktreeOf(root);
    const isOne = found?.root === root && found.repository === here.repository;
    if (!isOne && root === here.repository) continue; // a bare one, which has no files
    try {
      if (!isOne) throw new RelayError("not_found", "it is no longer there", { next: "git worktree prune" });
      worktrees.push(...readIf(root));
    } catch (error) {
      if (root === here.root || !(error instanceof RelayError)) throw error;
      leftOut.push(`Left out ${root}: ${error.message}. Try: ${error.next ?? "git worktree repair"}`);
    }
  }
  const rank = ({ root }: Worktree) => (root === here.repository ? 0 : 1);
  worktrees.sort((a, b) => rank(a) - rank(b) || (a.root < b.root ? -1 : 1));
  return { worktrees, leftOut };
}

/** A function that names the files changed in both of two worktrees since they parted. */
export function comparison(): (one: Worktree, other: Worktree) => string[] {
  const bases = new Map<string, { value: string | undefined }>(); // by pair of commits, of which there are few
  const changes = new Map<string, { value: readonly string[] }>();
  const changedSince = (base: string | undefined, { root, head, uncommitted }: Worktree): Set<string> => {
    const committed = once(changes, `${base} ${head}`, () => committedSince(root, base, head));
    return new Set([...committed, ...uncommitted]);
  };
  return (one, other) => {
    const base = once(bases, [one.head, other.head].sort().join(" "), () => baseOf(one, other));
    const [here, there] = [changedSince(base, one), changedSince(base, other)];
    return [...here].filter((file) => there.has(file));
  };
}

/** The worktree at `root`; none if it is a bare repository. */
function readIf(root: string): Worktree[] {
  if (git(root, "rev-parse", "--is-inside-work-tree").trim() !== "true") return [];
  const how = ["--porcelain=v2", "--branch", "--no-ahead-behind", "--no-renames", "--untracked-files=all", "-z"];
  const lines = names(git(root, "status", ...how));
  const header = (name: string) => lines.find((line) => line.startsWith(`# branch.${name} `))?.split(" ")[2];
  const [head, branch = ""] = [header("oid"), header("head")];
  return [
    {
      root,
      head: head === "(initial)" ? undefined : head,
      branch: branch === "(detached)" ? "HEAD" : branch,
      uncommitted: lines.flatMap((line) => STATUS.exec(line)?.[1] ?? []),
    },
  ];
}

/** `1 <XY> <sub> <mH> <mI> <mW> <hH> <hI> <path>`, `u <XY> <sub> <m1> <m2> <m3> <mW> <h1> <h2> <h3> <path>`, `? <path>` */
const STATUS = /^(?:1(?: \S+){7}|u(?: \S+){9}|\?) (.+)$/s;

/** The commit at which two worktrees parted; undefined if they have none in common. */
function baseOf(one: Worktree, other: Worktree): string | undefined {
  if (one.head === undefined || other.head === undefined) return undefined;
  return one.head === other.head ? one.head : askGit(one.root, "merge-base", one.head, other.head)?.trim();
}

function committedSince(root: string, base: string | undefined, head: string | undefined): readonly string[] {
  if (head === undefined || base === head) return [];
  if (base === undefined) return names(git(root, "ls-tree", "-r", "--name-only", "-z", head));
  return names(git(root, "diff-tree", "-r", "--name-only", "--no-renames", "-z", base, head));
}

/** The value for `key`, which is found once. It may be undefined, so it is kept in a box. */
function once<T>(known: Map<string, { value: T }>, key: string, find: () => T): T {
  const box = known.get(key) ?? { value: find() };
  known.set(key, box);
  return box.value;
}
