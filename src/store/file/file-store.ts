import fs from "node:fs";
import { errno, RelayError, systemError } from "../../errors.ts";
import { newNonce } from "../../id.ts";
import { quoted } from "../../shell/quote.ts";
import { sleep, systemTime } from "../../time.ts";
import { checkKey, isSegment } from "../key.ts";
import {
  type Delivery,
  folderOf,
  type Hint,
  inRange,
  type ListRange,
  type Notice,
  nameOf,
  type Published,
  type PutBack,
  type RecordUpdate,
  type SetAside,
  type Store,
  type Value,
  type WriteOptions,
} from "../store.ts";
import { encode } from "./encode.ts";
import {
  foldersIn,
  isOlder,
  linkOnce,
  makeEmpty,
  makeFolder,
  namesIn,
  readRecord,
  remove,
  rename,
  setTime,
  syncFolder,
  Unusable,
  writeNew,
} from "./files.ts";
import { Inboxes, removeUnlisting } from "./inboxes.ts";
import { appendLine, linesIn } from "./log.ts";
import { checkDelivery, publish } from "./publish.ts";
import { putBack, recordsSetAside } from "./quarantine.ts";
import { Tree } from "./tree.ts";
import { watchFolder } from "./watch.ts";

export interface FileStoreOptions {
  /** `power` (default): a write that has returned outlives a power cut. `process`: it outlives this process. */
  readonly durability?: "power" | "process" | undefined;
  /** The most unread messages in one inbox; default 50,000. */
  readonly inboxLimit?: number | undefined;
  /** Folders of other users that may be used all the same. */
  readonly trusted?: readonly string[] | undefined;
  /** The clock (Unix ms). */
  readonly now?: (() => number) | undefined;
  /** Called for each problem that was met and dealt with, such as a file that was set aside. */
  readonly onNotice?: ((notice: Notice) => void) | undefined;
}

const TORN_RETRIES = [5, 20, 100]; // ms; another program may write a file in place while we read it

const WRITING = 125; // ms, all those retries: a file that has not changed for so long is not being written

/** A store of JSON files under one folder, shared by any number of processes of one user. */
export class FileStore implements Store {
  readonly root: string;
  readonly #tree: Tree;
  readonly #inboxes: Inboxes;
  readonly #now: () => number;
  readonly #passedOver = new Set<string>();
  readonly #onNotice: (notice: Notice) => void;

  constructor(root: string, options: FileStoreOptions = {}) {
    this.root = root;
    this.#now = options.now ?? Date.now;
    this.#onNotice = options.onNotice ?? (() => {});
    this.#tree = new Tree(root, {
      isLasting: options.durability !== "process",
      trusted: options.trusted ?? [],
      now: this.#now,
      onNotice: this.#onNotice,
    });
    this.#inboxes = new Inboxes(`${root}/inboxes`, options.inboxLimit ?? 50_000);
  }

  async get(key: string): Promise<Value | undefined> {
    if (!this.#tree.enter(folderOf(checkKey(key)))) return undefined;
    for (const pause of [...TORN_RETRIES, 0]) {
      try {
        return readRecord(this.#tree.file(key));
      } catch (error) {
        if (!(error instanceof Unusable)) throw unreadable(this.#tree.file(key), error);
        if (pause === 0 || !wasJustChanged(this.#tree.file(key))) {
          const { mendedFromFlush } = await import("./together.ts");
          const mended = await mendedFromFlush(this.#tree, key);
          if (mended) return mended;
          await this.quarantine(key, error.message);
          throw new RelayError(
            "corrupt",
            `Cannot read "${this.#tree.file(key)}": ${error.message}; it was set aside in quarantine/`,
          );
        }
        await sleep(pause);
      }
    }
    return undefined;
  }

  async list(folder: string, range?: ListRange): Promise<string[]> {
    const names = this.#names(folder).filter((name) => name.endsWith(".json"));
    return inRange(
      names.map((name) => name.slice(0, -".json".length)).filter((name) => isSegment(name)),
      range,
    );
  }

  async create(key: string, value: Value, options: WriteOptions = {}): Promise<boolean> {
    if (this.#tree.isOld()) await this.carryOver();
    const isLasting = this.#isLasting(options);
    const target = this.#tree.file(checkKey(key));
    const linked = this.#tree.write(key, () => {
      if (fs.existsSync(target)) return "exists";
      const draft = `${this.root}/drafts/new-${newNonce()}`;
      writeNew(draft, encode(value), isLasting);
      try {
        const result = linkOnce(draft, target);
        if (result === "done" && isLasting) syncFolder(`${this.root}/${folderOf(key)}`);
        return result;
      } finally {
        remove(draft);
      }
    });
    if (linked !== "no links") return linked === "done";
    const { createLocked } = await import("./update.ts");
    return createLocked(this.#tree, key, value, isLasting);
  }

  async update(key: string, change: RecordUpdate, options: WriteOptions = {}): Promise<Value | undefined> {
    if (this.#tree.isOld()) await this.carryOver();
    checkKey(key);
    const { update } = await import("./update.ts");
    // `get` quarantines a file that is no record and throws, unless another writer has just mended it.
    const how = { isLasting: this.#isLasting(options), removes: options.removes === true };
    return update(this.#tree, key, change, how, () => this.get(key));
  }

  async updateTogether(changes: ReadonlyMap<string, RecordUpdate>): Promise<void> {
    if (this.#tree.isOld()) await this.carryOver();
    for (const key of changes.keys()) checkKey(key);
    const { updateTogether } = await import("./together.ts");
    await updateTogether(this.#tree, changes, (key) => this.get(key));
  }

  async publish(key: string, value: Value, delivery: Delivery): Promise<string[]> {
    if (this.#tree.isOld()) await this.carryOver();
    checkKey(key);
    checkDelivery(delivery);
    return this.#tree.write(key, () => publish(this.#tree, this.#inboxes, { key, value, delivery }));
  }

  async publishTogether(records: readonly Published[]): Promise<(string[] | RelayError)[]> {
    if (this.#tree.isOld()) await this.carryOver();
    for (const { key, delivery } of records) {
      checkKey(key);
      checkDelivery(delivery);
    }
    const { publishTogether } = await import("./together.ts");
    return publishTogether(this.#tree, this.#inboxes, records);
  }

  async mark(key: string, at = this.#now()): Promise<void> {
    if (this.#tree.isOld()) await this.carryOver();
    const file = `${this.root}/${checkKey(key)}`;
    this.#tree.write(key, () => {
      if (setTime(file, at)) return;
      makeEmpty(file);
      setTime(file, at);
    });
  }

  async markedAt(key: string): Promise<number | undefined> {
    if (!this.#tree.enter(folderOf(checkKey(key)))) return undefined;
    try {
      const stat = fs.lstatSync(`${this.root}/${key}`, { throwIfNoEntry: false });
      return stat?.isFile() ? Math.round(stat.mtimeMs) : undefined;
    } catch (error) {
      throw systemError(`read "${this.root}/${key}"`, error);
    }
  }

  async unmark(key: string): Promise<boolean> {
    if (!this.#tree.enter(folderOf(checkKey(key)))) return false;
    try {
      return remove(`${this.root}/${key}`);
    } catch (error) {
      throw systemError(`remove "${this.root}/${key}"`, error);
    }
  }

  async marks(folder: string, range?: ListRange): Promise<string[]> {
    const names = this.#names(folder).filter((name) => !/\.jsonl?$/.test(name) && isSegment(name));
    return inRange(names, range);
  }

  async append(key: string, line: Value): Promise<void> {
    if (this.#tree.isOld()) await this.carryOver();
    this.#tree.write(checkKey(key), () => appendLine(this.#log(key), line));
  }

  async *lines(key: string, after = 0): AsyncGenerator<Value | undefined> {
    if (!this.#tree.enter(folderOf(checkKey(key)))) return;
    try {
      yield* linesIn(this.#log(key), after);
    } catch (error) {
      throw systemError(`read "${this.#log(key)}"`, error);
    }
  }

  async logs(folder: string): Promise<string[]> {
    const names = this.#names(folder).filter((name) => name.endsWith(".jsonl"));
    return inRange(names.map((name) => name.slice(0, -".jsonl".length)).filter((name) => isSegment(name)));
  }

  async removeLog(key: string): Promise<void> {
    if (this.#tree.enter(folderOf(checkKey(key)))) this.#tree.write(key, () => remove(this.#log(key)));
  }

  async *watch(folder: string, signal: AbortSignal): AsyncGenerator<Hint> {
    checkKey(folder);
    this.#tree.write(`${folder}/-`, () => makeFolder(`${this.root}/${folder}`));
    yield* watchFolder(`${this.root}/${folder}`, signal);
  }

  async quarantine(key: string, reason: string): Promise<void> {
    this.#tree.enter(folderOf(checkKey(key)));
    this.#tree.enter("quarantine");
    const place = `${this.root}/quarantine/${key.replaceAll("/", "+")}.${newNonce()}`;
    try {
      makeFolder(`${this.root}/quarantine`);
      rename(this.#tree.file(key), `${place}.json`);
    } catch (error) {
      if (errno(error) === "ENOENT") return; // another reader was first
      if (!["EROFS", "EACCES", "EPERM", "ENOSPC", "EDQUOT"].includes(errno(error) ?? "")) throw error;
      this.#onNotice({ key, text: `${key} cannot be read (${reason}), and cannot be set aside (${errno(error)})` });
      return;
    }
    this.#onNotice({ key, text: `${key} could not be read (${reason}); it is now ${place}.json` });
    try {
      writeNew(`${place}.reason`, Buffer.from(`${key}: ${reason}\n`), false);
    } catch (error) {
      if (errno(error) === undefined) throw error; // a full disk lets files be moved, and no new one be written
    }
  }

  async setAside(): Promise<readonly SetAside[]> {
    return this.#tree.enter("quarantine") ? recordsSetAside(this.root) : [];
  }

  async putBack(name: string): Promise<PutBack> {
    return this.#tree.enter("quarantine") ? putBack(this.root, name) : "gone";
  }

  passedOver({ message }: RelayError): void {
    if (this.#passedOver.has(message)) return;
    this.#passedOver.add(message);
    this.#onNotice({ key: "", text: `${message}; it was passed over, and stays as it is` });
  }

  async isDraft(key: string): Promise<boolean> {
    return this.#tree.enter("drafts") && fs.existsSync(`${this.root}/drafts/${nameOf(checkKey(key))}`);
  }

  async sweep(before: number): Promise<number> {
    if (!this.#tree.enter("drafts")) return 0;
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

  async prune(folder: string, before: number, isMeant: (name: string) => boolean): Promise<number> {
    if (!this.#tree.enter(checkKey(folder))) return 0;
    const path = `${this.root}/${folder}`;
    try {
      const old = foldersIn(path).filter((name) => isMeant(name) && isOlder(`${path}/${name}`, before));
      return old.filter((name) => removeUnlisting(`${path}/${name}`)).length;
    } catch (error) {
      throw systemError(`prune "${path}"`, error);
    }
  }

  /** Carries a relay of an older format over, as the first write does by itself. Returns how many records have changed. */
  async carryOver(): Promise<number> {
    if (!this.#tree.isOld()) return 0;
    const { carryOver } = await import("./carry-over.ts");
    const changed = await carryOver(this.#tree, (key) => this.get(key));
    this.#tree.noteCarriedOver();
    return changed;
  }

  async close(): Promise<void> {}

  #log(key: string): string {
    return `${this.root}/${key}.jsonl`;
  }

  #isLasting(options: WriteOptions): boolean {
    return this.#tree.isLasting && options.lasting !== false;
  }

  #names(folder: string): string[] {
    if (!this.#tree.enter(checkKey(folder))) return [];
    try {
      return namesIn(`${this.root}/${folder}`);
    } catch (error) {
      throw systemError(`list "${this.root}/${folder}"`, error);
    }
  }
}

/** The error of a record that is there and that this user cannot read now. Whatever it says stays as it is. */
function unreadable(file: string, error: unknown): unknown {
  if (!["EACCES", "EPERM"].includes(errno(error) ?? "")) return systemError(`read "${file}"`, error);
  return new RelayError("refused", `Cannot read "${file}": permission denied (${errno(error)})`, {
    cause: error,
    next: `ls -l ${quoted(file)}, then give yourself the right to read it, or ask who owns it`,
  });
}

/** Whether a file changed so recently that another program may still be writing it in place. */
function wasJustChanged(file: string): boolean {
  const changed = fs.lstatSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return Math.abs(systemTime() - changed) < WRITING; // the disk's clock, not a test's
}
