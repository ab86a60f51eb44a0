import { endWatch } from "../agents/hearing.ts";
import { ensureRegistered } from "../agents/register.ts";
import { asFarAsPossible, type Context } from "../context.ts";
import { isAway, RelayError, unlessAway } from "../errors.ts";
import { ChangeWaiter } from "../store/changes.ts";
import { steady } from "../time.ts";
import { scanInterval } from "./discover.ts";
import { beginReading } from "./inbox.ts";
import { unreadMessages } from "./mailbox.ts";
import type { Message } from "./message.ts";
import { unreadPointer } from "./message-state.ts";
import { order } from "./order.ts";
import { type ReaderLease, takeReaderLease } from "./reader-lease.ts";
import { stampRead } from "./receipts.ts";

const READER_PATIENCE_MS = 500; // ms a watcher waits for another reader before it checks whether it has to end

const BATCH = 100; // messages that are read at once

export interface WatchOptions {
  /** Ends the watch. While the loop handles a message, the session's other readers wait. */
  readonly signal?: AbortSignal | undefined;
  /** False: the loop itself marks messages, by `markRead`; the watch yields each once. Default true. */
  readonly mark?: boolean | undefined;
}

/**
 * Yields each unread message, those that wait first, then new ones as they come. A message is marked as read when the
 * loop asks for the next one: the message that the loop was handling when it ended stays unread.
 */
export async function* watch(context: Context, options: WatchOptions = {}): AsyncGenerator<Message, void, void> {
  const { store, session } = context;
  await ensureRegistered(context);
  const hints = new ChangeWaiter(store, [`inboxes/${session}`]);
  const stop = () => hints.end();
  options.signal?.addEventListener("abort", stop);
  if (options.signal?.aborted) stop();
  const passed = new Set<string>();
  const lasting = <T>(run: () => Promise<T>) => hints.throughOutages(run);
  try {
    let due = Number.NEGATIVE_INFINITY;
    for (;;) {
      await hints.next(due - steady());
      if (hints.isOver) return;
      if (steady() > due) {
        await lasting(() => beginReading(context, { by: "watch" }));
        due = steady() + (await lasting(() => scanInterval(context)));
      }
      while (!hints.isOver && (await lasting(() => hasUnread(context, passed)))) {
        const lease = await lasting(() => leaseOrBusy(context));
        if (!lease) continue; // another reader of this session shows what there is
        try {
          const { messages: fresh } = await lasting(() => unreadMessages(context, BATCH, { except: passed }));
          if (fresh.length === 0) break; // the listed messages are still being written: each wakes us when it appears
          for (const message of order(fresh)) {
            passed.add(message.id);
            // A process that this one started may have shown it.
            if ((await lasting(() => store.markedAt(unreadPointer(session, message.id)))) === undefined) continue;
            yield message;
            if (options.mark !== false) await lasting(() => stampRead(context, [message]));
            if (hints.isOver) return;
          }
        } finally {
          await lease.release().catch(unlessAway); // it runs out by itself
        }
      }
    }
  } catch (error) {
    if (!isAway(error) || !hints.isOver) throw error;
  } finally {
    options.signal?.removeEventListener("abort", stop);
    stop();
    await asFarAsPossible(() => endWatch(context, true)).catch(unlessAway);
  }
}

/** The reader lease; undefined if another reader holds it for longer than READER_PATIENCE_MS. */
async function leaseOrBusy(context: Context): Promise<ReaderLease | undefined> {
  try {
    return await takeReaderLease(context, READER_PATIENCE_MS);
  } catch (error) {
    if (error instanceof RelayError && error.code === "conflict") return undefined;
    throw error;
  }
}

async function hasUnread({ store, session }: Context, passed: ReadonlySet<string>): Promise<boolean> {
  return (await store.marks(`inboxes/${session}`)).some((id) => !passed.has(id));
}
