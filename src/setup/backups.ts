import fs from "node:fs";
import path from "node:path";
import { RelayError, systemError } from "../errors.ts";
import { hash } from "../hash.ts";
import { writeState } from "../machine/state-file.ts";
import { object, optional, text } from "../schema.ts";
import { readText } from "./files.ts";

const Backup = object({
  file: text(),
  /** Its text before; undefined if there was none. */
  before: optional(text()),
  /** A sum of what we made of it. */
  after: text(),
});

/** What is remembered of a file that we changed. */
export type Backup = ReturnType<typeof Backup.parse>;

/** Tells a text that we wrote from one that was changed since. */
export function sumOf(text: string): string {
  return `${text.length}-${hash(text).toString(36)}`;
}

/** What files of other programs were before we changed them: one file each, in the user's state folder. */
export class Backups {
  readonly #folder: string;
  readonly #note: (text: string) => void;
  readonly #noted = new Set<string>();

  constructor(stateFolder: string, note: (text: string) => void) {
    this.#folder = path.join(stateFolder, "setup");
    this.#note = note;
  }

  /** Undefined, too, where what was remembered cannot be read any more; that is noted once. */
  of(file: string): Backup | undefined {
    const place = this.#place(file);
    try {
      const json = readText(place);
      const kept = json === undefined ? undefined : Backup.parse(JSON.parse(json), place);
      return kept?.file === file ? kept : undefined;
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof RelayError)) throw error;
      if (!this.#noted.has(file))
        this.#note(`what "${file}" was before setup cannot be read ("${place}"): --remove takes out what is ours`);
      this.#noted.add(file);
      return undefined;
    }
  }

  /** Remembers `kept` while `change` is made; if that fails, it is as it was. */
  keep(kept: Backup, change: () => void): void {
    const known = this.of(kept.file);
    this.#write(kept);
    try {
      change();
    } catch (error) {
      if (known) this.#write(known);
      else this.drop(kept.file);
      throw error;
    }
  }

  drop(file: string): void {
    try {
      fs.rmSync(this.#place(file), { force: true });
    } catch (error) {
      throw systemError(`write "${this.#place(file)}"`, error);
    }
  }

  #write(kept: Backup): void {
    writeState(this.#place(kept.file), kept);
  }

  #place(file: string): string {
    return path.join(this.#folder, `${hash(file).toString(36)}.json`);
  }
}
