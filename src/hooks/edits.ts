import { pathTargets } from "../claims/paths.ts";
import { RelayError } from "../errors.ts";
import { hash } from "../hash.ts";
import type { Store } from "../store/store.ts";

const TOUCHED = "edits"; // marks <hash of the path>.<session>: the time of that session's last write of that file
const RECENT_EDIT_MS = 30_000; // two sessions that write one file within this time are likely in each other's way

/** Notes that `session` wrote these files. Returns those that others wrote in the last 30 s, with their sessions. */
export async function recentEdits(
  store: Store,
  session: string,
  files: readonly string[],
  base: { readonly cwd: string; readonly project: string },
  now: number,
): Promise<{ readonly file: string; readonly session: string }[]> {
  const found: { file: string; session: string }[] = [];
  const names = await store.marks(TOUCHED);
  for (const file of files) {
    const key = keyOf(file, base);
    if (key === undefined) continue;
    for (const name of names.filter((each) => each.startsWith(`${key}.`))) {
      const other = name.slice(key.length + 1);
      const at = (await store.markedAt(`${TOUCHED}/${name}`)) ?? 0;
      if (other !== session && at > now - RECENT_EDIT_MS) found.push({ file, session: other });
    }
    await store.mark(`${TOUCHED}/${key}.${session}`, now);
  }
  return found;
}

/** A file's key, equal in every worktree; undefined if nobody could claim the file. */
function keyOf(file: string, base: { readonly cwd: string; readonly project: string }): string | undefined {
  try {
    const [target] = pathTargets(file, { ...base, exact: true });
    return target?.path === undefined ? undefined : hash(target.path).toString(36);
  } catch (error) {
    if (error instanceof RelayError) return undefined; // no path that anybody could claim
    throw error;
  }
}
