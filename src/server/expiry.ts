import type { Store, Value } from "../store/store.ts";

const REPEATED = 86_400_000; // ms for which a message that is sent again under the same word is known

/** Removes what a server has noted and nobody can use any more: words of requests, and invitations that have run out. */
export async function forgetOld(store: Store, now: number): Promise<void> {
  await forget(store, "sends", ({ at }) => Number(at) < now - REPEATED);
  await forget(store, "invites", ({ expires_at }) => Number(expires_at) < now);
}

async function forget(store: Store, folder: string, isOver: (record: Value) => boolean): Promise<void> {
  for (const name of await store.list(folder)) {
    const key = `${folder}/${name}`;
    const record = await store.get(key);
    if (record && isOver(record)) await store.update(key, (old) => (old && isOver(old) ? undefined : old));
  }
}
