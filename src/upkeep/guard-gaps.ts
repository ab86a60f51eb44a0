import { RelayError } from "../errors.ts";
import { type GuardedWorktree, guardedWorktrees } from "../git/hooks.ts";
import { worktreeOf } from "../git/repository.ts";
import { quoted } from "../shell/quote.ts";
import type { DoctorTarget, Finding } from "./finding.ts";

/** Worktrees without the guard that others of the repository have: what is claimed can be committed there. */
export function guardGaps({ cwd }: DoctorTarget): Finding[] {
  const found = worktreeOf(cwd) === undefined ? [] : worktrees(cwd);
  if (!found.some(({ hooks }) => hooks.length > 0)) return []; // nobody has asked for it
  return found
    .filter(({ hooks }) => hooks.length === 0)
    .map(({ root }) => ({
      what: `the guard is active in other worktrees, and not in ${root}`,
      next: `cd ${quoted(root)} && agent-relay guard install`,
    }));
}

function worktrees(cwd: string): readonly GuardedWorktree[] {
  try {
    return guardedWorktrees(cwd);
  } catch (error) {
    if (error instanceof RelayError) return []; // git is not there, or does not take it for a worktree
    throw error;
  }
}
