import type { Context } from "../context.ts";
import { messageState, openPointer, unreadPointer } from "../messages/message-state.ts";
import { readMessage } from "../messages/records.ts";
import { eachReadable, valueOrSkipped } from "../store/read.ts";
import { folderOf, nameOf } from "../store/store.ts";
import { DUE, PENDING } from "../waits/pending.ts";

/** The pointers of an inbox, and whether its session still has to read or answer the message. */
async function* listed({ store, now }: Context, session: string): AsyncGenerator<{ key: string; isOwed: boolean }> {
  const isStillOwed = async (id: string) => {
    for await (const [, message] of eachReadable(store, [id], (each) => readMessage(store, each)))
      return message ? messageState(session, message, now()) !== "done" : store.isDraft(`messages/${id}`);
    return true; // it is there, and cannot be read now
  };
  for (const keyOf of [unreadPointer, openPointer])
    for (const id of await store.marks(folderOf(keyOf(session, "any")))) {
      const isOwed = await isStillOwed(id);
      yield { key: keyOf(session, id), isOwed };
    }
}

/** Whether a session that left has mail to read or to answer when it comes back. */
export async function isOwed(context: Context, session: string): Promise<boolean> {
  for await (const { isOwed } of listed(context, session)) if (isOwed) return true;
  return false;
}

/** Removes what is kept of a session that left, its registration last. False, removing nothing, if it has mail. */
export async function removeSession(context: Context, session: string): Promise<boolean> {
  const { store } = context;
  if (await isOwed(context, session)) return false;
  for await (const { key, isOwed } of listed(context, session)) if (!isOwed) await store.unmark(key);
  for (const folder of [`hooks/${session}`, `heard/${session}`])
    for (const name of await store.marks(folder)) await store.unmark(`${folder}/${name}`);
  await store.unmark(`daemons/${session}.alive`);
  for (const key of [`shows/${session}`, `daemons/${session}`, `greetings/${session}`, `archive/agents/${session}`])
    await store.update(key, () => undefined);
  return true;
}

/** Removes marks, names and empty folders of sessions, tasks and threads that no longer exist. */
export async function sweepTraces(context: Context, before: number): Promise<void> {
  const { store } = context;
  const known = new Set([...(await store.list("agents")), ...(await store.list("archive/agents"))]);
  for (const mark of await store.marks("agents"))
    if (!known.has(mark.slice(0, mark.lastIndexOf(".")))) await store.unmark(`agents/${mark}`);
  for (const name of await store.list("names")) {
    const holder = (await valueOrSkipped(store, `names/${name}`))?.session_id;
    if (typeof holder !== "string" || known.has(holder)) continue;
    await store.update(`names/${name}`, (current) => (current?.session_id === holder ? undefined : current));
  }
  for (const name of await store.marks("edits"))
    if (((await store.markedAt(`edits/${name}`)) ?? before) < before) await store.unmark(`edits/${name}`);
  for (const name of await store.marks("pids")) await store.unmark(`pids/${name}`); // of versions that noted them here
  const isForgotten = (session: string) => !known.has(session);
  await store.prune("inboxes", before, (name) => name !== "all" && isForgotten(name));
  await store.prune("waits", before, (name) => ![PENDING, DUE].map(nameOf).includes(name) && isForgotten(name));
  for (const folder of ["tasks/owned", "hooks", "heard"]) await store.prune(folder, before, isForgotten);
  for (const folder of ["tasks/titles", "tasks/dependents", "threads"]) await store.prune(folder, before, () => true);
}
