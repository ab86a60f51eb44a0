import fs from "node:fs";
import path from "node:path";
import { hash } from "../hash.ts";
import { object, optional, text } from "../schema.ts";
import { type Kept, readText } from "./install.ts";

const Record = object({ file: text(), before: optional(text()), after: text() });

/** What files of other programs were before we changed them: one file each, in the user's state folder. */
export class KeptFiles {
  readonly #folder: string;

  constructor(stateFolder: string) {
    this.#folder = path.join(stateFolder, "setup");
  }

  of(file: string): Kept | undefined {
    const json = readText(this.#place(file));
    const kept = json === undefined ? undefined : Record.parse(JSON.parse(json), file);
    return kept?.file === file ? kept : undefined;
  }

  keep(kept: Kept): void {
    fs.mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    fs.writeFileSync(this.#place(kept.file), `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
  }

  drop(file: string): void {
    fs.rmSync(this.#place(file), { force: true });
  }

  #place(file: string): string {
    return path.join(this.#folder, `${hash(file).toString(36)}.json`);
  }
}
