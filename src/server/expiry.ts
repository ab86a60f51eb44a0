import { KeptName } from "../identity/member.ts";
import type { Store, Value } from "../store/store.ts";

const REPEATED = 86_400_000; // ms for which a send is known by its Idempotency-Key

/** Removes what nobody can use any more: Idempotency-Keys of sends, invitations that expired, and the names kept for them. */
export async function forgetOld(store: Store, now: number): Promise<void> {
  await forget(store, "sends", ({ at }) => Number(at) < now - REPEATED);
  for (const folder of ["invites", "invited"])
    await forget(store, folder, (record) => Date.parse(KeptName.parse(record, folder).expires_at) < now);
}

async function forget(store: Store, folder: string, isOver: (record: Value) => boolean): Promise<void> {
  for (const name of await store.list(folder)) {
    const key = `${folder}/${name}`;
    const record = await store.get(key);
    if (record && isOver(record)) await store.update(key, (old) => (old && isOver(old) ? undefined : old));
  }
}
