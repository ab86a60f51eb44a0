import { type AgentView, agents } from "../agents/registry.ts";
import { asFarAsPossible, type Context } from "../context.ts";
import { timeOf } from "../id.ts";
import { isMirrored } from "../project/upstream.ts";
import { isCorrupt, isUnreadable } from "../store/read.ts";
import type { Store } from "../store/store.ts";
import { sleep } from "../time.ts";
import type { Message } from "./message.ts";
import { MAX_COUNTED, messageState, openPointer, unreadPointer } from "./message-state.ts";
import { wholeMessage } from "./records.ts";

const MAX_READ_TO_COUNT = 32;

export const DRAFT_PAUSES_MS = [5, 20, 100]; // a listed message that is still being written comes within these

/**
 * `unreadCount` without a scan for foreign messages. Reads the first few, so that no count says that there is mail where
 * there is none; the rest is counted by name. Does not tidy the inbox of another session.
 */
export async function countUnread(context: Context, session = context.session): Promise<number> {
  const { unreadIn } = context.store.served ?? {};
  if (session !== context.session && unreadIn) return unreadIn(session);
  const isOwn = session === context.session;
  const { messages, rest, unreadable } = await unreadMessages({ ...context, session }, MAX_READ_TO_COUNT, { isOwn });
  return Math.min(MAX_COUNTED + 1, messages.length + rest + unreadable);
}

/** Every registered session, the last seen first, with its unread count; on a mirror, a remote one without. */
export async function agentsWithUnread(context: Context): Promise<AgentView[]> {
  const views: AgentView[] = [];
  const isMirror = await isMirrored(context); // only the server knows the unread count of a remote session
  const counts = await context.store.served?.unreadInEach?.();
  for (const agent of await agents(context)) {
    const id = agent.session_id;
    const known = id === context.session ? undefined : counts?.get(id);
    const isElsewhere = isMirror && agent.owner !== undefined;
    views.push(isElsewhere ? agent : { ...agent, unread: known ?? (await countUnread(context, id)) });
  }
  return views;
}

/** Whether a broken message was set aside. One that can be neither read nor set aside is still there. */
async function isSetAside(store: Store, id: string): Promise<boolean> {
  try {
    return (await store.get(`messages/${id}`)) === undefined;
  } catch (error) {
    if (isCorrupt(error)) return false;
    throw error;
  }
}

interface Scan {
  /** The session looks at its own inbox, and tidies it. */
  readonly isOwn?: boolean;
  /** Of more than `limit` messages, reads those that are urgent as far as their ids tell, not the oldest. */
  readonly isUrgent?: boolean;
  /** Ids that are passed over, and cost nothing. */
  readonly except?: ReadonlySet<string>;
  /** Passes over what was sent before (Unix ms), as far as its id tells. */
  readonly since?: number | undefined;
}

interface UnreadMessages {
  readonly messages: Message[];
  /** How many more are listed, and were not read. */
  readonly rest: number;
  /** How many are listed and there, and cannot be read now. */
  readonly unreadable: number;
  /** Those that were set aside because they are broken. They stay listed: one that is put back is shown. */
  readonly broken: readonly string[];
}

/** Up to `limit` unread messages, the oldest by id unless `isUrgent`, and how many more are listed. */
export async function unreadMessages(
  context: Context,
  limit: number,
  { isOwn = true, isUrgent = false, except = new Set(), since = 0 }: Scan = {},
): Promise<UnreadMessages> {
  const { store, session, now } = context;
  const messages: Message[] = [];
  let unreadable = 0;
  let read = 0;
  const missing: string[] = [];
  const pauses = [...DRAFT_PAUSES_MS];
  const isMeant = (id: string) => !except.has(id) && (timeOf(id) ?? since) >= since;
  const listed = (await store.marks(`inboxes/${session}`)).filter(isMeant);
  const ids =
    isUrgent && listed.length > limit ? urgentFirst(listed, new Set(await store.marks("inboxes/all")), limit) : listed;
  const unlist = (id: string) => asFarAsPossible(() => store.unmark(unreadPointer(session, id)));
  for (const id of ids) {
    if (messages.length === limit) break;
    read++;
    const message = await readListed(context, id, pauses);
    if (message === "unreadable") unreadable++;
    if (message === undefined) missing.push(id);
    if (message === undefined || message === "coming" || message === "unreadable") continue;
    const state = messageState(session, message, now());
    if (state === "unread") messages.push(message);
    else if (isOwn && state !== "open") await unlist(id);
    else if (isOwn && (await asFarAsPossible(() => store.mark(openPointer(session, id), now())))) await unlist(id);
  }
  const aside = await setAsideAmong(store, missing);
  const broken = missing.filter((id) => aside.has(id));
  for (const id of isOwn ? missing.filter((each) => !aside.has(each)) : []) await unlist(id);
  return { messages, rest: listed.length - read, unreadable, broken };
}

/** Those of these messages that were set aside. Asked for after the last of them was read: to read one may set it aside. */
async function setAsideAmong(store: Store, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const keys = new Set(ids.length === 0 ? [] : (await store.setAside?.())?.map(({ key }) => key));
  return new Set(ids.filter((id) => keys.has(`messages/${id}`)));
}

/** Direct messages before broadcasts; of each more than half of `limit`, the newest follow the oldest half at once. */
function urgentFirst(ids: readonly string[], broadcasts: ReadonlySet<string>, limit: number): string[] {
  const half = Math.ceil(limit / 2);
  const bothEnds = (of: readonly string[]) =>
    of.length <= limit ? of : [...of.slice(0, half), ...of.slice(half).reverse()];
  const direct = ids.filter((id) => !broadcasts.has(id));
  return [...bothEnds(direct), ...bothEnds(ids.filter((id) => broadcasts.has(id)))];
}

/**
 * A message that an inbox lists: `coming` while it is still being written, undefined if it will never come. Waits for
 * it by `pauses` (ms), and uses them up: one read shares them among all its messages.
 */
export async function readListed(
  { store }: Context,
  id: string,
  pauses: number[],
): Promise<Message | "coming" | "unreadable" | undefined> {
  for (;;) {
    // Check the draft first: once it is gone, the message exists or never will.
    const isDraft = await store.isDraft(`messages/${id}`);
    try {
      const message = await wholeMessage(store, id);
      if (message || !isDraft) return message;
    } catch (error) {
      if (isUnreadable(error)) {
        store.passedOver?.(error);
        return "unreadable";
      }
      if (!isCorrupt(error)) throw error;
      if (!isDraft && (await isSetAside(store, id))) return undefined;
    }
    const pause = pauses.shift();
    if (pause === undefined) return "coming";
    await sleep(pause);
  }
}
