import { type Backups, sumOf } from "../setup/backups.ts";
import { planExclusion, trackedIn, withoutOurs } from "../setup/commits.ts";
import { apply } from "../setup/files.ts";
import { cleanLine } from "../text.ts";

interface Written {
  readonly host: string;
  readonly file: string;
  readonly what: string;
  /** It names no folder of this machine. */
  readonly isShared?: boolean;
}

interface Place {
  readonly root: string;
  readonly kept: Backups;
}

/** The step that keeps what setup has made out of commits, or ends that; undefined if there is nothing to do. */
export function exclusionOf(written: readonly Written[], { root, kept }: Place, removes: boolean) {
  const made = written.filter(({ what, isShared }) => what === "made" && !isShared).map(({ file }) => file);
  const shared = written.filter(({ isShared }) => isShared).map(({ file }) => file);
  const edit = planExclusion(root, { made, shared }, removes);
  if (!edit || edit.before === edit.after) return undefined;
  const { file, before, after = "" } = edit;
  const known = kept.of(file);
  const isUntouched = known !== undefined && before !== undefined && sumOf(before) === known.after;
  const isOver = after === withoutOurs(after);
  const act = () => {
    if (isOver) {
      apply(isUntouched ? { ...edit, after: known.before } : edit);
      kept.drop(file);
    } else if (removes) apply(edit);
    else {
      const original = isUntouched ? known.before : before && withoutOurs(before);
      const backup = { file, ...(original !== undefined && { before: original }), after: sumOf(after) };
      kept.keep(backup, () => apply(edit));
    }
    return { what: removes || isOver ? "taken out of" : "kept out of commits, by" };
  };
  return { file, act };
}

/** What to do about files that git tracks. The skill names no folder; all else that setup writes does. */
export function tellTracked(written: readonly Written[], root: string): string[] {
  const named = written.filter(({ host, isShared }) => host !== "skill" && !isShared).map(({ file }) => file);
  const tracked = trackedIn(root, named).map(cleanLine);
  if (tracked.length === 0) return [];
  const what = `Git tracks ${tracked.join(", ")}, and what is written there names folders of this machine: do not commit it`;
  return [
    `${what}. To have it without them: agent-relay setup --by-name; in your home folder: agent-relay setup --remove, then agent-relay setup --user`,
  ];
}
