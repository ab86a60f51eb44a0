import fs from "node:fs";
import path from "node:path";
import { errno, RelayError, systemError } from "../../errors.ts";
import { newNonce } from "../../id.ts";
import { checkKey, isSegment } from "../key.ts";
import {
  type Delivery,
  folderOf,
  inboxFull,
  inRange,
  type Notice,
  nameOf,
  type Range,
  type Store,
  type Value,
  type Worth,
} from "../store.ts";
import {
  encode,
  isOlder,
  linkOnce,
  makeEmpty,
  makeFolder,
  makeMark,
  namesIn,
  readRecord,
  remove,
  rename,
  setTime,
  syncFolder,
  Unusable,
  writeNew,
  writeOver,
} from "./files.ts";
import { Inboxes } from "./inboxes.ts";
import type { Held } from "./lock.ts";
import { findRoot, makeRoot } from "./root.ts";
import { watchFolder } from "./watch.ts";

export interface FileStoreOptions {
  /** `power`: what a returned write wrote outlives a power cut (default). `process`: it outlives this process. */
  readonly durability?: "power" | "process";
  /** The most unread messages in one inbox; default 50,000. */
  readonly inboxLimit?: number;
  /** Folders of other users that may be used all the same. */
  readonly trusted?: readonly string[];
  readonly now?: () => number;
  readonly onNotice?: (notice: Notice) => void;
}

const TORN_RETRIES = [5, 20, 100]; // ms; another program may write a file in place while we read it

const WRITING = 125; // ms; what has stood still for as long as all those retries is not being written

/** What one try at an update came to: the record as it is now, or that it is to be removed. */
interface Outcome {
  readonly next: Value | undefined;
  readonly isRemoval: boolean;
}

/** A store of JSON files under one folder, shared by any number of processes of one user. */
export class FileStore implements Store {
  readonly root: string;
  readonly #lasting: boolean;
  readonly #inboxLimit: number;
  readonly #trusted: readonly string[];
  readonly #now: () => number;
  readonly #onNotice: (notice: Notice) => void;
  readonly #known = new Set<string>();
  readonly #inboxes: Inboxes;
  #state: "unknown" | "missing" | "found" | "made" = "unknown";

  constructor(root: string, options: FileStoreOptions = {}) {
    this.root = root;
    this.#lasting = (options.durability ?? "power") === "power";
    this.#inboxLimit = options.inboxLimit ?? 50_000;
    this.#inboxes = new Inboxes(`${root}/inboxes`, this.#inboxLimit);
    this.#trusted = options.trusted ?? [];
    this.#now = options.now ?? Date.now;
    this.#onNotice = options.onNotice ?? (() => {});
  }

  async get(key: string): Promise<Value | undefined> {
    if (!this.#enter(folderOf(checkKey(key)))) return undefined;
    for (const pause of [...TORN_RETRIES, 0]) {
      try {
        return readRecord(this.#file(key));
      } catch (error) {
        if (!(error instanceof Unusable)) throw systemError(`read "${this.#file(key)}"`, error);
        if (pause === 0 || !wasJustChanged(this.#file(key))) {
          await this.quarantine(key, error.message);
          throw new RelayError(
            "corrupt",
            `Cannot read "${this.#file(key)}": ${error.message}; it was set aside in quarantine/`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
    return undefined;
  }

  async list(folder: string, range?: Range): Promise<string[]> {
    const names = this.#names(folder).filter((name) => name.endsWith(".json"));
    return inRange(
      names.map((name) => name.slice(0, -".json".length)).filter((name) => isSegment(name)),
      range,
    );
  }

  async create(key: string, value: Value, worth: Worth = {}): Promise<boolean> {
    const lasting = this.#lasting && worth.lasting !== false;
    const target = this.#file(checkKey(key));
    const linked = this.#write(key, () => {
      if (fs.existsSync(target)) return "exists";
      const draft = `${this.root}/drafts/new-${newNonce()}`;
      writeNew(draft, encode(value), lasting);
      try {
        const result = linkOnce(draft, target);
        if (result === "done" && lasting) syncFolder(path.dirname(target));
        return result;
      } finally {
        remove(draft);
      }
    });
    return linked === "no links" ? this.#createLocked(key, value, lasting) : linked === "done";
  }

  async update(
    key: string,
    change: (old: Value | undefined) => Value | undefined,
    worth: Worth = {},
  ): Promise<Value | undefined> {
    const lasting = this.#lasting && worth.lasting !== false;
    const target = this.#file(checkKey(key));
    const { withLock } = await import("./lock.ts");
    const write = ({ draft }: Held): Outcome | undefined => {
      const old = readRecord(target);
      const next = change(old);
      if (next === old || next === undefined) return { next, isRemoval: next !== old };
      writeOver(draft, encode(next), lasting);
      const linked = old ? "no links" : linkOnce(draft, target);
      if (linked === "exists") return undefined; // created meanwhile, which takes no lock where there are links
      if (linked === "no links") rename(draft, target);
      if (lasting) syncFolder(path.dirname(target));
      return { next, isRemoval: false };
    };
    const removal = ({ draft }: Held): Outcome | undefined => {
      const old = readRecord(target);
      const next = change(old);
      if (next !== undefined) return undefined; // it has changed its mind, with what another wrote meanwhile
      if (old) rename(target, draft);
      if (old && lasting) syncFolder(path.dirname(target));
      return { next, isRemoval: false };
    };
    return this.#writeLocked(key, async () => {
      for (;;) {
        try {
          let done = await withLock(this.#lock(key), write);
          if (done?.isRemoval) done = await withLock(this.#lock(key), removal, "folder");
          if (done) return done.next;
        } catch (error) {
          if (!(error instanceof Unusable)) throw error;
          await this.get(key); // sets it aside and throws, unless another has just mended it
        }
      }
    });
  }

  async publish(key: string, value: Value, delivery: Delivery): Promise<string[]> {
    const target = this.#file(checkKey(key));
    const id = nameOf(key);
    for (const inbox of delivery.inboxes) checkKey(`inboxes/${inbox}`);
    for (const key of [delivery.everyoneIn, delivery.index]) if (key !== undefined) checkKey(key);
    return this.#write(key, () => {
      if (fs.existsSync(target)) throw new RelayError("conflict", `Cannot publish "${key}": it exists`);
      const draft = `${this.root}/drafts/${id}`;
      const inboxes = new Set<string>();
      const point = () => {
        for (const inbox of this.#inboxesOf(delivery)) {
          if (inboxes.has(inbox)) continue;
          this.#enter(`inboxes/${inbox}`);
          if (this.#inboxes.point(inbox, id)) inboxes.add(inbox);
          else if (delivery.inboxes.includes(inbox)) throw inboxFull(inbox, this.#inboxLimit);
        }
      };
      writeNew(draft, encode(value), this.#lasting);
      try {
        if (delivery.index !== undefined) this.#index(delivery.index, id);
        point();
        rename(draft, target);
      } catch (error) {
        for (const inbox of [...inboxes, delivery.index ?? []].flat()) this.#inboxes.unpoint(inbox, id);
        remove(draft);
        throw error;
      }
      try {
        if (this.#lasting) syncFolder(path.dirname(target));
        if (delivery.everyoneIn !== undefined) point(); // those who registered since: they may have looked too early
        for (const inbox of inboxes) this.#inboxes.wake(inbox, id, this.#now());
      } catch (error) {
        throw systemError(`finish publishing "${key}", which can be read already`, error);
      }
      return [...inboxes];
    });
  }

  async mark(key: string, at = this.#now()): Promise<void> {
    const file = `${this.root}/${checkKey(key)}`;
    this.#write(key, () => {
      if (setTime(file, at)) return;
      makeEmpty(file);
      setTime(file, at);
    });
  }

  async markedAt(key: string): Promise<number | undefined> {
    if (!this.#enter(folderOf(checkKey(key)))) return undefined;
    const stat = fs.lstatSync(`${this.root}/${key}`, { throwIfNoEntry: false });
    return stat?.isFile() ? Math.round(stat.mtimeMs) : undefined;
  }

  async unmark(key: string): Promise<boolean> {
    if (!this.#enter(folderOf(checkKey(key)))) return false;
    try {
      return remove(`${this.root}/${key}`);
    } catch (error) {
      throw systemError(`remove "${this.root}/${key}"`, error);
    }
  }

  async marks(folder: string, range?: Range): Promise<string[]> {
    const names = this.#names(folder).filter((name) => !name.endsWith(".json") && isSegment(name));
    return inRange(names, range);
  }

  async *watch(folder: string, signal: AbortSignal): AsyncGenerator<void> {
    checkKey(folder);
    this.#write(`${folder}/-`, () => makeFolder(`${this.root}/${folder}`));
    yield* watchFolder(`${this.root}/${folder}`, signal);
  }

  async quarantine(key: string, reason: string): Promise<void> {
    this.#enter(folderOf(checkKey(key)));
    this.#enter("quarantine");
    const place = `${this.root}/quarantine/${key.replaceAll("/", "+")}.${newNonce()}`;
    try {
      makeFolder(`${this.root}/quarantine`);
      rename(this.#file(key), `${place}.json`);
      writeNew(`${place}.reason`, `${key}: ${reason}\n`, false);
    } catch (error) {
      if (errno(error) === "ENOENT") return; // another reader was first
      if (!["EROFS", "EACCES", "EPERM", "ENOSPC"].includes(errno(error) ?? "")) throw error;
      this.#onNotice({ key, text: `${key} cannot be read (${reason}), and cannot be set aside (${errno(error)})` });
      return;
    }
    this.#onNotice({ key, text: `${key} could not be read (${reason}); it is now ${place}.json` });
  }

  async isDraft(key: string): Promise<boolean> {
    return this.#enter("drafts") && fs.existsSync(`${this.root}/drafts/${nameOf(checkKey(key))}`);
  }

  async sweep(before: number): Promise<number> {
    if (!this.#enter("drafts")) return 0;
    try {
      const { sweepLocks } = await import("./lock.ts");
      const drafts = namesIn(`${this.root}/drafts`).map((name) => `${this.root}/drafts/${name}`);
      const starts = namesIn(this.root).filter((name) => name.startsWith("start-"));
      const left = [...drafts, ...starts.map((name) => `${this.root}/${name}`)].filter((file) => isOlder(file, before));
      for (const file of left) remove(file);
      return left.length + sweepLocks(`${this.root}/locks`, before);
    } catch (error) {
      throw systemError(`sweep "${this.root}"`, error);
    }
  }

  async close(): Promise<void> {}

  #file(key: string): string {
    return `${this.root}/${key}.json`;
  }

  #lock(key: string): string {
    return `${this.root}/locks/${key.replaceAll("/", "+")}.lock`;
  }

  #names(folder: string): string[] {
    if (!this.#enter(checkKey(folder))) return [];
    try {
      return namesIn(`${this.root}/${folder}`);
    } catch (error) {
      throw systemError(`list "${this.root}/${folder}"`, error);
    }
  }

  #index(inbox: string, id: string): void {
    this.#enter(`inboxes/${inbox}`);
    makeMark(`${this.root}/inboxes/${inbox}/${id}`);
  }

  #inboxesOf(delivery: Delivery): readonly string[] {
    if (delivery.everyoneIn === undefined && delivery.except === undefined) return delivery.inboxes;
    const members = delivery.everyoneIn === undefined ? [] : namesIn(`${this.root}/${delivery.everyoneIn}`);
    const sessions = members.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length));
    return [...delivery.inboxes, ...sessions.filter((name) => isSegment(name))].filter(
      (name) => name !== delivery.except,
    );
  }

  async #createLocked(key: string, value: Value, lasting: boolean): Promise<boolean> {
    const target = this.#file(key);
    const { withLock } = await import("./lock.ts");
    const create = ({ draft }: Held) => {
      if (fs.existsSync(target)) return false;
      writeOver(draft, encode(value), lasting);
      rename(draft, target);
      if (lasting) syncFolder(path.dirname(target));
      return true;
    };
    return this.#writeLocked(key, () => withLock(this.#lock(key), create));
  }

  /** Whether the relay is there, with `folder` in it. No part of the way may be a link. */
  #enter(folder: string): boolean {
    if (this.#state === "unknown" || this.#state === "missing")
      this.#state = findRoot(this.root, this.#trusted) ? "found" : "missing";
    if (this.#state === "missing") return false;
    if (this.#known.has(folder)) return true;
    for (let end = folder.indexOf("/"); ; end = folder.indexOf("/", end + 1)) {
      const part = end < 0 ? folder : folder.slice(0, end);
      if (part !== "" && !this.#known.has(part)) {
        const stat = fs.lstatSync(`${this.root}/${part}`, { throwIfNoEntry: false });
        if (!stat) return true; // nothing there yet; the call itself will say so
        if (!stat.isDirectory())
          throw new RelayError("refused", `Cannot use "${this.root}/${part}": it is not a real folder`, {
            next: `look at it, then move it away: mv ${this.root}/${part} ${this.root}-${part.replaceAll("/", "-")}`,
          });
        this.#known.add(part);
      }
      if (end < 0) return true;
    }
  }

  /** Runs a write on a relay that is there, made first if need be. A folder that is missing is made, and it runs again. */
  #write<T>(key: string, run: () => T): T {
    try {
      this.#ready(key);
      try {
        return run();
      } catch (error) {
        this.#restore(key, error);
        return run();
      }
    } catch (error) {
      throw systemError(`write "${this.root}/${key}"`, error);
    }
  }

  /** `#write` for what waits for a lock. */
  async #writeLocked<T>(key: string, run: () => Promise<T>): Promise<T> {
    try {
      this.#ready(key);
      try {
        return await run();
      } catch (error) {
        this.#restore(key, error);
        return await run();
      }
    } catch (error) {
      throw systemError(`write "${this.root}/${key}"`, error);
    }
  }

  #ready(key: string): void {
    this.#enter(folderOf(key));
    this.#enter("drafts");
    this.#enter("locks");
    if (this.#state === "made") return;
    const warning = makeRoot(this.root, this.#now(), this.#lasting);
    if (warning !== undefined) this.#onNotice({ key: "relay", text: warning });
    if (this.#state === "missing") findRoot(this.root, this.#trusted); // others may have made it meanwhile
    this.#state = "made";
  }

  /** Makes what a write missed: a folder, or a whole relay that was deleted under us. Other errors are thrown. */
  #restore(key: string, error: unknown): void {
    if (errno(error) !== "ENOENT") throw error;
    makeRoot(this.root, this.#now(), this.#lasting);
    for (const missing of ["drafts", "locks", folderOf(key)]) if (missing !== "") makeFolder(`${this.root}/${missing}`);
  }
}

/** Whether a file changed so recently that another program may still be writing it in place. */
function wasJustChanged(file: string): boolean {
  const changed = fs.lstatSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Math.abs(performance.timeOrigin + performance.now() - changed) < WRITING; // the disk's clock, not a test's
}
