import { bootId, startOf } from "../machine/process.ts";
import type { Store } from "../store/store.ts";

// <boot>.<pid>.<session>: that process calls hooks for that session, since the mark's time. The launcher looks here before
// it starts Node.
const CALLERS = "pids";
const MAX_MARK_BYTES = 128; // of a mark's name

/** Notes that a process calls hooks for a session from now on; it may have several. Returns whether it did before. */
export async function noteHookCaller(store: Store, pid: number, session: string, now: number): Promise<boolean> {
  const prefix = prefixOf(pid);
  if (prefix === undefined) return false;
  const own = `${prefix}${session}`;
  const was = await store.markedAt(`${CALLERS}/${own}`);
  if (own.length <= MAX_MARK_BYTES) await store.mark(`${CALLERS}/${own}`, now);
  return was !== undefined;
}

/** For each process of this boot that calls hooks: its sessions, the one that began or was resumed last first. */
export async function hookSessions(store: Store): Promise<ReadonlyMap<number, readonly string[]>> {
  const found = new Map<number, { session: string; at: number }[]>();
  for (const name of await store.marks(CALLERS)) {
    const [, pid = "", session = ""] = /^[^.]*\.(\d+)\.(.*)$/.exec(name) ?? [];
    if (!name.startsWith(prefixOf(Number(pid)) ?? "\0")) continue;
    const at = (await store.markedAt(`${CALLERS}/${name}`)) ?? 0;
    found.set(Number(pid), [...(found.get(Number(pid)) ?? []), { session, at }]);
  }
  const latestFirst = (all: { session: string; at: number }[]) => all.sort((a, b) => b.at - a.at);
  return new Map([...found].map(([pid, all]) => [pid, latestFirst(all).map(({ session }) => session)]));
}

/** Resolves when the process calls hooks for another session than this one, or `signal` aborts. */
export async function hasMovedOn(store: Store, pid: number, session: string, signal: AbortSignal): Promise<void> {
  for await (const _ of store.watch(CALLERS, signal)) if (!(await isCurrent(store, pid, session))) return;
}

/** Whether a process calls hooks for this session, as far as is known: one that calls none says nothing. */
export async function isCurrent(store: Store, pid: number, session: string): Promise<boolean> {
  const [latest = session] = (await hookSessions(store)).get(pid) ?? [];
  return latest === session;
}

/** Removes the note that `pid` calls hooks for `session`, or that anybody does, and those of processes that have ended. */
export async function forgetHookCallers(store: Store, session?: string, pid?: number): Promise<void> {
  for (const name of await store.marks(CALLERS)) {
    const [, caller = "", of] = /^[^.]*\.(\d+)\.(.*)$/.exec(name) ?? [];
    const isTheirs = of === session && (pid === undefined || Number(caller) === pid);
    const isOver =
      isTheirs || !name.startsWith(prefixOf(Number(caller)) ?? "") || startOf(Number(caller)) === undefined;
    if (isOver) await store.unmark(`${CALLERS}/${name}`);
  }
}

/** Undefined where the system does not tell one boot from another: a pid means nothing after a reboot. */
function prefixOf(pid: number): string | undefined {
  const boot = bootId()?.split("-")[0];
  return boot === undefined || !Number.isInteger(pid) || pid <= 0 ? undefined : `${boot}.${pid}.`;
}
