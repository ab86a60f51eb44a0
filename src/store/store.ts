import { RelayError } from "../errors.ts";

/** A record's content: one JSON object. Fields nobody here knows are kept. */
export type Value = Readonly<Record<string, unknown>>;

/** Which names of a folder: those after `after`, at most `limit`, from the end if `reverse`. */
export interface ListRange {
  readonly after?: string;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** Where a published record is listed. */
export interface Delivery {
  /** The inboxes that list it, by session id (or `all`). */
  readonly inboxes: readonly string[];
  /** Every record of this folder has an inbox too, also those that come while the record is being published. */
  readonly everyoneIn?: string;
  /** An inbox without a limit that lists it too, for those who come later. It is not among those returned. */
  readonly index?: string;
  /** The one inbox that does not list it: the sender's. */
  readonly except?: string;
  /**
   * The key was made for this record just now, and cannot be taken: a store need not look. A look for a name that is not
   * there waits for every writer of its folder (1.8 ms of 50 a send, 32 senders at once).
   */
  readonly isNew?: boolean;
}

/** How much a write is worth. */
export interface WriteOptions {
  /** False: the record may be forgotten in a power cut, whatever the store promises otherwise. */
  readonly lasting?: boolean;
  /** The change most likely removes the record: to be wrong costs one more lock, and nothing else. */
  readonly removes?: boolean;
}

/** `perhaps`: nothing was seen to change, but it is a while since the last look. */
export type Hint = "changed" | "perhaps";

/** Something a store met and dealt with that a person may want to know. */
export interface Notice {
  readonly key: string;
  readonly text: string;
}

/**
 * The port. A store holds *records* (JSON objects under a key) and *marks* (empty, with a time of their own). Keys are
 * segments joined by `/`, checked by `checkKey`; a record and a mark may share a key. A folder is what stands before
 * the last `/`. A record is the unit of atomicity: a reader sees the old one or the new one, never half.
 *
 * Every method throws `usage` for a bad key, `limit` when something is full, `refused` when the system forbids it, and
 * `failed` for other failures of the system. A write that returned is as lasting as the store promises; one that threw
 * has left the old content as it was.
 */
export interface Store {
  /**
   * True: what serves the records also looks after them. It finds what other programs wrote, tells of waits that are over,
   * and lists again what a reboot has lost; a look leaves that to it.
   */
  readonly isServed?: boolean | undefined;

  /** Who a server takes us for: `<user>/<machine>`; undefined for who runs it. */
  readonly owner?: (() => Promise<string | undefined>) | undefined;

  /** How many messages wait unread for another session, which cannot be looked at from here; 1,001 means more than 1,000. */
  readonly unreadIn?: ((session: string) => Promise<number>) | undefined;

  /** The record, or undefined. Throws `corrupt` for one that cannot be read; that one has then been set aside. */
  get(key: string): Promise<Value | undefined>;

  /** The names (last segments) of a folder's records, in order of name. */
  list(folder: string, range?: ListRange): Promise<string[]>;

  /** Writes a record that does not exist yet. False, with nothing written, if it does. Exactly one of many wins. */
  create(key: string, value: Value, options?: WriteOptions): Promise<boolean>;

  /**
   * Changes a record as if no one else were writing it. `change` gets the record or undefined, and returns the new one,
   * or undefined to remove it, or the very same object to leave it. It may run more than once, so it must be pure; what
   * it throws ends the update. Returns what `change` returned last. Throws `conflict` if the record stays locked.
   */
  update(
    key: string,
    change: (old: Value | undefined) => Value | undefined,
    options?: WriteOptions,
  ): Promise<Value | undefined>;

  /**
   * Writes a new record and lists it in inboxes: from the moment it can be read, it is in each of them. Returns the
   * inboxes. Throws `conflict` if the key exists, `limit` if one of `inboxes` is full; a full inbox among `everyoneIn`
   * is passed over, so that one abandoned reader does not silence a broadcast.
   */
  publish(key: string, value: Value, delivery: Delivery): Promise<string[]>;

  /** Makes a mark or renews it: its time becomes `at` (ms), or now. Wakes who watches its folder. */
  mark(key: string, at?: number): Promise<void>;

  /** A mark's time (ms), or undefined. */
  markedAt(key: string): Promise<number | undefined>;

  /** Removes a mark. True for the one caller that removed it. */
  unmark(key: string): Promise<boolean>;

  /** The names of a folder's marks, in order of name. */
  marks(folder: string, range?: ListRange): Promise<string[]>;

  /**
   * Adds a line to a log, so that lines of several writers never mix. It outlives this process, but perhaps not a power cut.
   */
  append(key: string, line: Value): Promise<void>;

  /**
   * A log's lines, the oldest first, from the one after the first `after`; undefined stands for one that cannot be read. None
   * if there is no such log.
   */
  lines(key: string, after?: number): AsyncIterable<Value | undefined>;

  /** The names (last segments) of a folder's logs, in order of name. */
  logs(folder: string): Promise<string[]>;

  /** Removes a log. */
  removeLog(key: string): Promise<void>;

  /** Yields whenever something in a folder may have changed: a hint that may repeat. Ends when `signal` aborts. */
  watch(folder: string, signal: AbortSignal): AsyncIterable<Hint>;

  /** Sets aside a record that its reader cannot use, with the reason. Nothing is lost. */
  quarantine(key: string, reason: string): Promise<void>;

  /** When publishing of `key` began but has not ended, true: the record may still come. */
  isDraft(key: string): Promise<boolean>;

  /**
   * Removes what writers that ended or slept left behind before `before` (Unix ms). A writer that slept so long starts
   * again. Returns how many things it removed.
   */
  sweep(before: number): Promise<number>;

  /**
   * Removes what is left of the folders below `folder` that list nothing, and have not since `before` (Unix ms), of which
   * `isMeant` says yes. Loses no mark that is made meanwhile. Returns how many it removed.
   */
  prune(folder: string, before: number, isMeant: (name: string) => boolean): Promise<number>;

  close(): Promise<void>;
}

/** The error of a store that cannot list one more message in an inbox. */
export function inboxFull(inbox: string, limit: number): RelayError {
  return new RelayError("limit", `Cannot send to "${inbox}": its inbox is full (${limit} unread)`, {
    next: "wait until it has read some, or send to another session",
  });
}

/** The last segment of a key. */
export function nameOf(key: string): string {
  return key.slice(key.lastIndexOf("/") + 1);
}

/** The folder of a key, empty for one at the top. */
export function folderOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf("/")));
}

/** `names`, sorted, cut to `range`. */
export function inRange(names: string[], range: ListRange = {}): string[] {
  const { after, limit = names.length, reverse = false } = range;
  names.sort();
  if (reverse) names.reverse();
  const from = after === undefined ? 0 : names.findIndex((name) => (reverse ? name < after : name > after));
  return from < 0 ? [] : names.slice(from, from + limit);
}
