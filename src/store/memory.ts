import { RelayError } from "../errors.ts";
import { jsonText } from "../text.ts";
import { changeStream } from "./change-stream.ts";
import { checkKey } from "./key.ts";
import {
  type Delivery,
  folderOf,
  type Hint,
  inboxFull,
  inRange,
  type ListRange,
  nameOf,
  type Store,
  type Value,
} from "./store.ts";

/** A store in this process's memory: for tests, and for tools that need a relay for one run. */
export class MemoryStore implements Store {
  readonly #records = new Map<string, string>();
  readonly #marks = new Map<string, number>();
  readonly #logs = new Map<string, string[]>();
  readonly #watchers = new Map<string, Set<() => void>>();
  readonly #inboxLimit: number;
  readonly #now: () => number;
  /** The records that were set aside: key -> reason. */
  readonly quarantined = new Map<string, string>();

  constructor(options: { now?: () => number; inboxLimit?: number } = {}) {
    this.#now = options.now ?? Date.now;
    this.#inboxLimit = options.inboxLimit ?? 50_000;
  }

  async get(key: string): Promise<Value | undefined> {
    return this.#read(checkKey(key));
  }

  async list(folder: string, range?: ListRange): Promise<string[]> {
    return namesIn(folder, this.#records.keys(), range);
  }

  async create(key: string, value: Value): Promise<boolean> {
    if (this.#records.has(checkKey(key))) return false;
    this.#write(key, value);
    return true;
  }

  async update(key: string, change: (old: Value | undefined) => Value | undefined): Promise<Value | undefined> {
    const old = this.#read(checkKey(key));
    const next = change(old);
    if (next === old) return next;
    if (next === undefined) this.#records.delete(key);
    else this.#write(key, next);
    this.#wake(folderOf(key));
    return next;
  }

  async publish(key: string, value: Value, delivery: Delivery): Promise<string[]> {
    if (this.#records.has(checkKey(key))) throw new RelayError("conflict", `Cannot publish "${key}": it exists`);
    if (delivery.index !== undefined) checkKey(`inboxes/${delivery.index}`);
    const everyone = delivery.everyoneIn === undefined ? [] : await this.list(delivery.everyoneIn);
    const inboxes = [...new Set([...delivery.inboxes, ...everyone])].filter((inbox) => inbox !== delivery.except);
    for (const inbox of inboxes) {
      checkKey(`inboxes/${inbox}`);
      if (delivery.inboxes.includes(inbox) && !this.#hasRoom(inbox)) throw inboxFull(inbox, this.#inboxLimit);
    }
    this.#write(key, value);
    if (delivery.index !== undefined) await this.mark(`inboxes/${delivery.index}/${nameOf(key)}`);
    const pointed = inboxes.filter((inbox) => this.#hasRoom(inbox));
    for (const inbox of pointed) await this.mark(`inboxes/${inbox}/${nameOf(key)}`);
    return pointed;
  }

  async mark(key: string, at?: number): Promise<void> {
    this.#marks.set(checkKey(key), at ?? this.#now());
    this.#wake(folderOf(key));
  }

  async markedAt(key: string): Promise<number | undefined> {
    return this.#marks.get(checkKey(key));
  }

  async unmark(key: string): Promise<boolean> {
    const was = this.#marks.delete(checkKey(key));
    if (was) this.#wake(folderOf(key));
    return was;
  }

  async marks(folder: string, range?: ListRange): Promise<string[]> {
    return namesIn(folder, this.#marks.keys(), range);
  }

  async append(key: string, line: Value): Promise<void> {
    const lines = this.#logs.get(checkKey(key)) ?? [];
    this.#logs.set(key, lines);
    lines.push(jsonText(line));
    this.#wake(folderOf(key));
  }

  async *lines(key: string, after = 0): AsyncGenerator<Value> {
    for (const line of (this.#logs.get(checkKey(key)) ?? []).slice(after)) yield JSON.parse(line);
  }

  async logs(folder: string): Promise<string[]> {
    return namesIn(folder, this.#logs.keys());
  }

  async removeLog(key: string): Promise<void> {
    this.#logs.delete(checkKey(key));
  }

  async *watch(folder: string, signal: AbortSignal): AsyncGenerator<Hint> {
    checkKey(folder);
    const listeners = this.#watchers.get(folder) ?? new Set();
    this.#watchers.set(folder, listeners);
    yield* changeStream((notice) => {
      listeners.add(notice);
      return () => listeners.delete(notice);
    }, signal);
  }

  async quarantine(key: string, reason: string): Promise<void> {
    if (this.#records.delete(checkKey(key))) this.quarantined.set(key, reason);
  }

  async isDraft(key: string): Promise<boolean> {
    checkKey(key);
    return false; // `publish` writes the record before it lists it: there is no draft
  }

  async sweep(): Promise<number> {
    return 0; // a write leaves nothing behind here
  }

  async prune(): Promise<number> {
    return 0; // a folder without marks does not exist here
  }

  async close(): Promise<void> {}

  #read(key: string): Value | undefined {
    const json = this.#records.get(key);
    return json === undefined ? undefined : JSON.parse(json);
  }

  #write(key: string, value: Value): void {
    this.#records.set(key, jsonText(value));
    this.#wake(folderOf(key));
  }

  #hasRoom(inbox: string): boolean {
    return namesIn(`inboxes/${inbox}`, this.#marks.keys()).length < this.#inboxLimit;
  }

  #wake(folder: string): void {
    for (const listener of this.#watchers.get(folder) ?? []) listener();
  }
}

function namesIn(folder: string, keys: Iterable<string>, range?: ListRange): string[] {
  checkKey(folder);
  return inRange(
    [...keys].filter((key) => folderOf(key) === folder).map((key) => nameOf(key)),
    range,
  );
}
