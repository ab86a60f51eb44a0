import fs from "node:fs";
import { errno, RelayError, systemError } from "../../errors.ts";
import { FORMAT } from "../format.ts";
import { folderOf, type Notice } from "../store.ts";
import { makeFolder } from "./files.ts";
import { findRoot, makeRoot, refuseRoot } from "./root.ts";

export interface TreeOptions {
  readonly isLasting: boolean;
  readonly trusted: readonly string[];
  readonly now: () => number;
  readonly onNotice: (notice: Notice) => void;
}

/** How the drafts begin that hold what several records became at once. They stay for a while. */
export const TOGETHER = "together-";

function statOf(path: string): fs.Stats | undefined {
  try {
    return fs.lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw systemError(`read "${path}"`, error);
  }
}

/** One `.relay/` folder: checks the folders that are entered, and makes the relay at its first write. */
export class Tree {
  readonly root: string;
  /** Whether a write that has returned outlives a power cut. */
  readonly isLasting: boolean;
  readonly now: () => number;
  readonly #options: TreeOptions;
  readonly #known = new Set<string>();
  #state: "unknown" | "missing" | "found" | "made" = "unknown";
  #format = FORMAT;

  constructor(root: string, options: TreeOptions) {
    this.root = root;
    this.isLasting = options.isLasting;
    this.now = options.now;
    this.#options = options;
  }

  file(key: string): string {
    return `${this.root}/${key}.json`;
  }

  /** Whether the relay is there. Throws `refused` if a part of the way to `folder` is there and is no real folder. */
  enter(folder: string): boolean {
    if (this.#state === "unknown" || this.#state === "missing") this.#find();
    if (this.#state === "missing") return false;
    if (this.#known.has(folder)) return true;
    for (let end = folder.indexOf("/"); ; end = folder.indexOf("/", end + 1)) {
      const part = end < 0 ? folder : folder.slice(0, end);
      if (part !== "" && !this.#known.has(part)) {
        const stat = statOf(`${this.root}/${part}`);
        if (!stat) return true; // not there yet: the caller's next call finds that out
        if (!stat.isDirectory())
          throw new RelayError("refused", `Cannot use "${this.root}/${part}": it is not a real folder`, {
            next: `look at it, then move it away: mv ${this.root}/${part} ${this.root}-${part.replaceAll("/", "-")}`,
          });
        this.#known.add(part);
      }
      if (end < 0) return true;
    }
  }

  /** Whether the relay is of an older format: it is carried over before the first write. */
  isOld(): boolean {
    this.enter("");
    return this.#format < FORMAT;
  }

  noteCarriedOver(): void {
    this.#format = FORMAT;
  }

  #find(): void {
    const format = findRoot(this.root, this.#options.trusted);
    this.#state = format === undefined ? "missing" : "found";
    this.#format = format ?? FORMAT;
  }

  /** Makes the relay if need be, and runs a write. If a folder is missing, makes it and runs the write again. */
  write<T>(key: string, run: () => T): T {
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

  /** `write` for an update that waits for a lock. */
  async writeLocked<T>(key: string, run: () => Promise<T>): Promise<T> {
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
    this.enter(folderOf(key));
    if (this.#state === "made") return;
    refuseRoot(this.root);
    this.enter("drafts");
    this.enter("locks");
    const warning = makeRoot(this.root, this.now(), this.isLasting);
    if (warning !== undefined) this.#options.onNotice({ key: "relay", text: warning });
    if (this.#state === "missing") this.#find(); // others may have made it meanwhile
    this.#state = "made";
  }

  /** Makes what a write missed: a folder, or a whole relay that was deleted under us. Other errors are thrown. */
  #restore(key: string, error: unknown): void {
    if (errno(error) !== "ENOENT") throw error;
    makeRoot(this.root, this.now(), this.isLasting);
    for (const missing of ["drafts", "locks", folderOf(key)]) if (missing !== "") makeFolder(`${this.root}/${missing}`);
  }
}
