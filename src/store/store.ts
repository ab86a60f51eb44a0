import { RelayError } from "../errors.ts";

/** A record's content: one JSON object. Fields nobody here knows are kept. */
export type Value = Readonly<Record<string, unknown>>;

/** Which names of a folder: those after `after`, at most `limit`, from the end if `reverse`. */
export interface ListRange {
  /** Only names after this one, in their order. */
  readonly after?: string | undefined;
  /** At most so many. */
  readonly limit?: number | undefined;
  /** Only names that begin or end with this. */
  readonly part?: string | undefined;
  /** From the last name to the first; `after` then means before. */
  readonly reverse?: boolean | undefined;
}

/** Where a published record is listed. */
export interface Delivery {
  /** The inboxes that list it, by session id (or `all`). */
  readonly inboxes: readonly string[];
  /** The inbox of each record in this folder lists it too, also of a record that comes during the publishing. */
  readonly everyoneIn?: string;
  /** An inbox without a limit that lists it too, for sessions that come later. `publish` does not return it. */
  readonly index?: string;
  /** The one inbox that does not list it: the sender's. */
  readonly except?: string;
  /**
   * The key was made for this record just now, and cannot be taken: a store need not look. The look-up of an absent
   * name waits for every writer of its folder (1.8 ms of 50 a send, 32 senders at once).
   */
  readonly isNew?: boolean;
}

/** A record to publish. */
export interface Published {
  /** Under which it is stored, such as `messages/msg-...`. */
  readonly key: string;
  readonly value: Value;
  /** Where it is listed. */
  readonly delivery: Delivery;
}

/** How durable a write has to be, and what it is likely to do. */
export interface WriteOptions {
  /** False: a power cut may lose the record, whatever the store promises otherwise. */
  readonly lasting?: boolean | undefined;
  /** The change most likely removes the record. A wrong guess costs one more lock, and nothing else. */
  readonly removes?: boolean | undefined;
}

/** Makes a record of the old one, if there is one; see `Store.update`. */
export type RecordUpdate = (old: Value | undefined) => Value | undefined;

/** The folders that lists of sessions are read from. */
export type RegistrationFolder = "agents" | "archive/agents";

/** `perhaps`: nothing was seen to change, but it is a while since the last look. */
export type Hint = "changed" | "perhaps";

/** An event that a store has dealt with, and that a person may want to know of. */
export interface Notice {
  /** The record that it is about, such as `messages/msg-...`; or a word. */
  readonly key: string;
  readonly text: string;
}

/** A record that could not be read, and was set aside. */
export interface SetAside {
  /** By which it is put back. */
  readonly name: string;
  /** Where it was, such as `messages/msg-...`. */
  readonly key: string;
  readonly reason: string;
  /** When it was set aside. ISO 8601. */
  readonly at: string;
  /** Where it is now. */
  readonly file: string;
  /** The beginning of what it holds. */
  readonly head: string;
}

/** `broken`: it still cannot be read. `taken`: another record stands in its place. `gone`: nothing of that name is there. */
export type PutBack = "back" | "broken" | "taken" | "gone";

/**
 * What a server is to its callers: it finds messages that other programs wrote, tells of waits that are over, and lists again
 * what a reboot has lost. A look leaves that to it.
 */
export interface StoreServer {
  /** Whom the server takes us for: `<user>/<machine>`; undefined for the person who runs it. */
  readonly owner?: (() => Promise<string | undefined>) | undefined;
  /** The number of unread messages of another session, whose inbox its callers cannot list; 1,001: more than 1,000. */
  readonly unreadIn?: ((session: string) => Promise<number>) | undefined;
  /** The same of each registered session, where asking for each would take a round trip. */
  readonly unreadInEach?: (() => Promise<ReadonlyMap<string, number>>) | undefined;
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
  /** The folder of the relay's files, where they are on this machine. */
  readonly root?: string | undefined;

  /** There where a server keeps the records, and looks after them. */
  readonly served?: StoreServer | undefined;
  /** Who uses it is on another machine: the files that it names are not of this disk. */
  readonly isFromElsewhere?: boolean | undefined;

  /** The records that were set aside, the oldest first; where the records are files here. */
  readonly setAside?: (() => Promise<readonly SetAside[]>) | undefined;
  /** Puts one back, by its `name`, if it can be read by now. */
  readonly putBack?: ((name: string) => Promise<PutBack>) | undefined;

  /** The record, or undefined. Throws `corrupt` if it cannot be read; it has then been set aside. */
  get(key: string): Promise<Value | undefined>;

  /** The names (last segments) of a folder's records, in order of name. */
  list(folder: string, range?: ListRange): Promise<string[]>;

  /** All records of a folder by their names, where asking for each would take a round trip. */
  readonly records?: ((folder: RegistrationFolder) => Promise<ReadonlyMap<string, Value>>) | undefined;
  /** The times (Unix ms) of the marks of a folder by their names, where asking for each would take a round trip. */
  readonly markTimes?: ((folder: RegistrationFolder) => Promise<ReadonlyMap<string, number>>) | undefined;

  /** Writes a record that does not exist yet. False, with nothing written, if it does. Exactly one of many wins. */
  create(key: string, value: Value, options?: WriteOptions): Promise<boolean>;

  /**
   * Changes a record as if no one else were writing it. `change` gets the record or undefined, and returns the new one,
   * or undefined to remove it, or the very same object to leave it. It may run more than once, so it must be pure; what
   * it throws ends the update. Returns what `change` returned last. Throws `conflict` if the record stays locked.
   */
  update(key: string, change: RecordUpdate, options?: WriteOptions): Promise<Value | undefined>;

  /**
   * `update` of several records by their keys, for a store to which it costs less than one by one. What it throws has left
   * each as it was, or changed.
   */
  readonly updateTogether?: ((changes: ReadonlyMap<string, RecordUpdate>) => Promise<void>) | undefined;

  /**
   * Writes a new record and lists it in inboxes: from the moment it can be read, it is in each of them. Returns the
   * inboxes. Throws `conflict` if the key exists, `limit` if one of `inboxes` is full; a full inbox among `everyoneIn`
   * is passed over, so that one abandoned reader does not silence a broadcast.
   */
  publish(key: string, value: Value, delivery: Delivery): Promise<string[]>;

  /**
   * `publish` of several records, in this order, for a store to which it costs less than one by one. Resolves when all that
   * could be published are; for each, the inboxes that list it, or why it was not.
   */
  readonly publishTogether?: ((records: readonly Published[]) => Promise<(string[] | RelayError)[]>) | undefined;

  /** Makes a mark or renews it: its time becomes `at` (Unix ms), or now. Wakes the watchers of its folder. */
  mark(key: string, at?: number): Promise<void>;

  /** A mark's time (Unix ms), or undefined. */
  markedAt(key: string): Promise<number | undefined>;

  /** Removes a mark. True for the one caller that removed it. */
  unmark(key: string): Promise<boolean>;

  /** The names of a folder's marks, in order of name. */
  marks(folder: string, range?: ListRange): Promise<string[]>;

  /**
   * Adds a line to a log; lines of several writers never mix. The line outlives this process, but perhaps not a power
   * cut.
   */
  append(key: string, line: Value): Promise<void>;

  /**
   * A log's lines after the first `after`, the oldest first; undefined stands for a line that cannot be read. None if
   * there is no such log.
   */
  lines(key: string, after?: number): AsyncIterable<Value | undefined>;

  /** The names (last segments) of a folder's logs, in order of name. */
  logs(folder: string): Promise<string[]>;

  /** Removes a log, if it is there. */
  removeLog(key: string): Promise<void>;

  /** Yields whenever something in a folder may have changed: a hint that may repeat. Ends when `signal` aborts. */
  watch(folder: string, signal: AbortSignal): AsyncIterable<Hint>;

  /** Tells of a record among many that is there and was passed over, since it cannot be read now. */
  readonly passedOver?: ((why: RelayError) => void) | undefined;

  /** Sets aside a record that its reader cannot use, with the reason. Nothing is lost. */
  quarantine(key: string, reason: string): Promise<void>;

  /** Whether the publishing of `key` has begun and not ended: the record may still come. */
  isDraft(key: string): Promise<boolean>;

  /**
   * Removes the drafts and locks that ended or sleeping writers left before `before` (Unix ms). A writer that slept so
   * long starts again. Returns how many it removed.
   */
  sweep(before: number): Promise<number>;

  /**
   * Removes the folders in `folder` that list nothing, have not changed since `before` (Unix ms), and whose name
   * `isMeant` accepts. Loses no mark that is made meanwhile. Returns how many it removed.
   */
  prune(folder: string, before: number, isMeant: (name: string) => boolean): Promise<number>;

  /** Ends what the store holds open. */
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

/** `all`, sorted, cut to `range`. */
export function inRange(all: string[], range: ListRange = {}): string[] {
  const { after, part, limit = all.length, reverse = false } = range;
  const names = part === undefined ? all : all.filter((name) => name.startsWith(part) || name.endsWith(part));
  names.sort();
  if (reverse) names.reverse();
  const from = after === undefined ? 0 : names.findIndex((name) => (reverse ? name < after : name > after));
  return from < 0 ? [] : names.slice(from, from + limit);
}
