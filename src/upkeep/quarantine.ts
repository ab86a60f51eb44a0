import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { tellSenderOfMended } from "../messages/broken.ts";
import { listMessages } from "../messages/discover.ts";
import { readMessage } from "../messages/records.ts";
import { idsWith, onlyOne } from "../store/id-part.ts";
import { nameOf, type PutBack, type SetAside } from "../store/store.ts";
import { settleTask } from "../tasks/indexes.ts";

/** What became of a record that was to be put back. */
export type Retried = SetAside & { readonly outcome: PutBack };

/** The records that could not be read and were set aside, the oldest first. Throws `refused` where a server has them. */
export async function setAside({ store }: Context): Promise<readonly SetAside[]> {
  if (store.setAside) return store.setAside();
  throw new RelayError("refused", "Cannot look at what was set aside: the relay is on a server", {
    next: "run it where the server runs",
  });
}

/**
 * Puts back what can be read now and has no other in its place: all, or the one that `word` means by its key, its id or a
 * part of that. A message is listed again for its readers, and a task on the board. Throws `not_found`.
 */
export async function retrySetAside(context: Context, word?: string): Promise<Retried[]> {
  const all = await setAside(context);
  const wanted = word === undefined ? all : all.filter(({ key }) => key === keyMeant(all, word));
  if (word !== undefined && wanted.length === 0)
    throw new RelayError("not_found", `Cannot find "${word}" among what was set aside`, {
      next: "agent-relay quarantine list",
    });
  const { putBack } = context.store;
  if (!putBack)
    throw new RelayError("refused", "Cannot put back what was set aside: the relay is on a server", {
      next: "run it where the server runs",
    });
  const retried: Retried[] = [];
  for (const one of wanted) {
    const moved = await putBack.call(context.store, one.name);
    if (moved === "back") await listAgain(context, one.key);
    // Its reader may have set it aside again: JSON, and no record of its kind.
    const isAgain = moved === "back" && (await setAside(context)).some(({ key }) => key === one.key);
    retried.push({ ...one, outcome: isAgain ? "broken" : moved });
  }
  return retried;
}

function keyMeant(all: readonly SetAside[], word: string): string | undefined {
  if (all.some(({ key }) => key === word)) return word;
  const ids = [...new Set(all.map(({ key }) => nameOf(key)))];
  const id = ids.includes(word) ? word : onlyOne(idsWith(ids, word), word, "record");
  return all.find(({ key }) => nameOf(key) === id)?.key;
}

async function listAgain(context: Context, key: string): Promise<void> {
  const id = nameOf(key);
  if (key === `messages/${id}`) {
    const message = await readMessage(context.store, id);
    if (!message) return;
    await listMessages(context, [message]);
    await tellSenderOfMended(context, message);
  } else if (key === `tasks/${id}` && id.startsWith("task-")) await settleTask(context, id);
}
