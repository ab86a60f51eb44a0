import type { Context } from "../context.ts";
import { newId } from "../id.ts";
import { compose, systemDraft } from "./message.ts";
import { readMessage } from "./records.ts";

/** Tells every session, in the relay's own name, what has befallen the relay; once for each `what`, a segment of a key. */
export async function announce({ store, now }: Context, what: string, content: string): Promise<void> {
  let id = newId("msg", now());
  // Whoever notes it first tells, and whoever comes after one that was killed before it had told.
  await store.update(`stamps/told-${what}`, (old) => {
    if (typeof old?.message !== "string") return { message: id };
    id = old.message;
    return old;
  });
  if (await readMessage(store, id)) return;
  const message = compose(systemDraft(id, null, content, now()), { kind: "status" });
  await store.publish(`messages/${id}`, message, { inboxes: [], index: "all", everyoneIn: "agents" });
}
