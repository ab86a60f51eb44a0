import fs from "node:fs";
import path from "node:path";
import { RelayError, systemError } from "../errors.ts";
import { hash } from "../hash.ts";
import { fileNameFor } from "../machine/file-name.ts";
import { writeState } from "../machine/state-file.ts";
import { object, optional, text } from "../schema.ts";
import { readText } from "./files.ts";

const Backup = object({
  file: text(),
  /** The file's text before setup; undefined if there was no file. */
  before: optional(text()),
  /** The checksum of the text that we wrote. */
  after: text(),
  /** The nearest folder that was there, if it was empty: it is there again afterwards. */
  stays: optional(text()),
});

/** What is remembered of a file that we changed. */
export type Backup = ReturnType<typeof Backup.parse>;

/** A text's checksum, which tells a text that we wrote from one that was changed since. */
export function sumOf(text: string): string {
  return `${text.length}-${hash(text).toString(36)}`;
}

/** Backups of other programs' files that we changed: one file each, in the user's state folder. */
export class Backups {
  readonly #folder: string;
  readonly #note: (text: string) => void;
  readonly #noted = new Set<string>();

  constructor(stateFolder: string, note: (text: string) => void) {
    this.#folder = path.join(stateFolder, "setup");
    this.#note = note;
  }

  /** A file's backup; undefined if there is none, or if it cannot be read, which is noted once. */
  of(file: string): Backup | undefined {
    const place = this.#place(file);
    try {
      const json = readText(place) ?? readText(this.#formerPlace(file));
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

  /** Writes the backup `kept`, then makes the change. If the change throws, restores the backup before. */
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
    const former = this.of(file) === undefined ? [] : [this.#formerPlace(file)];
    try {
      for (const place of [this.#place(file), ...former]) fs.rmSync(place, { force: true });
    } catch (error) {
      throw systemError(`write "${this.#place(file)}"`, error);
    }
  }

  #write(kept: Backup): void {
    writeState(this.#place(kept.file), kept);
  }

  #place(file: string): string {
    return path.join(this.#folder, `${fileNameFor(file)}.json`);
  }

  /** Where versions before kept it, perhaps in place of that of another file. */
  #formerPlace(file: string): string {
    return path.join(this.#folder, `${hash(file).toString(36)}.json`);
  }
}
