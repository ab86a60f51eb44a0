import { bootId, startOf } from "../machine/process.ts";
import type { Store } from "../store/store.ts";

// <boot>.<pid>.<session>: that process calls hooks for that session. The launcher looks here before it starts Node.
const CALLERS = "pids";
const MAX_MARK_BYTES = 128; // of a mark's name

/** Notes that a process calls hooks for a session; it may have several. Returns whether that was noted before. */
export async function noteHookCaller(store: Store, pid: number, session: string): Promise<boolean> {
  const prefix = prefixOf(pid);
  if (prefix === undefined) return false;
  const own = `${prefix}${session}`;
  if ((await store.markedAt(`${CALLERS}/${own}`)) !== undefined) return true;
  if (own.length <= MAX_MARK_BYTES) await store.mark(`${CALLERS}/${own}`);
  return false;
}

/** Removes the notes of `session`, which has ended, and those of processes that have ended. */
export async function forgetHookCallers(store: Store, session?: string): Promise<void> {
  for (const name of await store.marks(CALLERS)) {
    const [, pid = "", of] = /^[^.]*\.(\d+)\.(.*)$/.exec(name) ?? [];
    const isOver =
      of === session || !name.startsWith(prefixOf(Number(pid)) ?? "") || startOf(Number(pid)) === undefined;
    if (isOver) await store.unmark(`${CALLERS}/${name}`);
  }
}

/** Undefined where the system does not tell one boot from another: a pid means nothing after a reboot. */
function prefixOf(pid: number): string | undefined {
  const boot = bootId()?.split("-")[0];
  return boot === undefined || !Number.isInteger(pid) || pid <= 0 ? undefined : `${boot}.${pid}.`;
}
