import { OFFERED_MS } from "../activity/tombstones.ts";
import { timeOf } from "../id.ts";
import { isLive, sentAt } from "../messages/message.ts";
import { readMessage } from "../messages/records.ts";
import { removeMessage, stillWaitedFor } from "../messages/retention.ts";
import { isSegment } from "../store/key.ts";
import { parsedOrSkipped } from "../store/read.ts";
import { isOver, Task } from "../tasks/task.ts";
import { dayOf } from "../time.ts";
import type { MessageProgress } from "./message-state.ts";
import { bring } from "./messages.ts";
import { isSettled } from "./receipts.ts";
import { forEach, isOurs, localContext, orNotice, type Replicas } from "./replica.ts";
import type { Tombstones } from "./tombstones.ts";

const DAY_MS = 86_400_000;

/** Finds, after a start, the messages whose receipts may still change. */
export async function awaitReaders({ local, now }: Replicas, { awaited }: MessageProgress): Promise<void> {
  for (const id of await local.list("messages")) {
    if ((timeOf(id) ?? now()) < now() - OFFERED_MS) continue;
    const message = await readMessage(local, id);
    // A settled message of the last day counts too: the server may not know yet that it was read here.
    if (message && (!isSettled(message, now()) || sentAt(message) > now() - DAY_MS)) awaited.set(id, 0);
  }
}

/** Brings the broadcasts of others that are missing here: of the last day; with `all`, all that are still offered. */
export async function pullBroadcasts(
  replicas: Replicas,
  progress: MessageProgress,
  gone: Tombstones,
  all: boolean,
): Promise<void> {
  const { local, remote, now } = replicas;
  const any = remote("");
  const known = new Set(await local.list("messages"));
  const ids = new Set([...(await any.marks("inboxes/all")), ...(all ? await any.list("messages") : [])]);
  await forEach(ids, async (id) => {
    const isPast = (timeOf(id) ?? 0) < now() - OFFERED_MS;
    if (known.has(id) || progress.renamed.has(id) || progress.useless.has(id) || isPast || gone.has(`messages/${id}`))
      return;
    const message = await readMessage(any, id);
    if (!message) return; // it is still being written
    const isUseful = message.to_session === null && isLive(message, now());
    if (!isUseful || (await isOurs(replicas, message.from_session))) {
      progress.useless.add(id); // it is no broadcast, has run out, or was sent from here and collected
      return;
    }
    await orNotice(replicas, `message ${id}`, () => bring(local, message, [], progress));
    progress.awaited.set(id, 0);
  });
}

/** Removes here what the server has collected, except messages that a session here has still to read or answer. */
export async function followCollected(replicas: Replicas, keys: readonly string[]): Promise<void> {
  const context = localContext(replicas);
  const { local, now } = replicas;
  let isWaited: Awaited<ReturnType<typeof stillWaitedFor>> | undefined;
  for (const key of keys) {
    const [folder, name = "", ...rest] = key.split("/");
    if (!isSegment(name) || rest.length > 0) continue; // no key of ours has this form
    if (folder === "messages") {
      const message = await readMessage(local, name);
      isWaited ??= await stillWaitedFor(context, true);
      if (message && !isWaited(message)) await removeMessage(context, name);
    } else if (folder === "tasks") {
      const task = await parsedOrSkipped(local, key, Task);
      if (task && isOver(task)) await local.update(key, () => undefined);
    } else if (folder === "activity" && name < dayOf(now())) await local.removeLog(key);
  }
}
