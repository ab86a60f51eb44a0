import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Scene } from "./scenes.ts";
import { runWorker } from "./workers.ts";

/** A temporary folder in which scenes are prepared once and copied for each run. */
export class Ground {
  readonly #root: string;
  readonly #preparedAt = new Map<string, number>(); // Unix ms

  constructor(name: string) {
    this.#root = fs.mkdtempSync(path.join(os.tmpdir(), `relay-${name}-`));
  }

  /** A folder with the relay that a scene begins with. */
  async template(scene: Scene): Promise<string> {
    const home = this.empty();
    fs.mkdirSync(home);
    await scene.prepare(`${home}/.relay`);
    this.#preparedAt.set(home, Date.now());
    return home;
  }

  /**
   * A copy of a prepared relay, in a folder of its own, as old as it was when it was prepared: a minute later, a run would look
   * for messages of other programs too, and no call would be where it was.
   */
  copy(home: string): string {
    const copy = this.empty();
    fs.cpSync(home, copy, { recursive: true, preserveTimestamps: true });
    const age = (Date.now() - (this.#preparedAt.get(home) ?? Date.now())) / 1000;
    for (const name of fs.readdirSync(copy, { recursive: true, encoding: "utf8" }).reverse()) {
      const { atimeMs, mtimeMs } = fs.lstatSync(path.join(copy, name));
      fs.lutimesSync(path.join(copy, name), atimeMs / 1000 + age, mtimeMs / 1000 + age);
    }
    return copy;
  }

  /** A path for a relay's home; its parent is its own. */
  empty(): string {
    return path.join(fs.mkdtempSync(path.join(this.#root, "case-")), "home");
  }

  /** Ends what was begun with `copy` or `empty`. */
  drop(home: string): void {
    fs.rmSync(path.dirname(home), { recursive: true, force: true });
  }

  /** The calls of `fs` that one run makes, or with `record` what they change. */
  async calls<T = string>(scene: Scene, home: string, mode: "count" | "record" = "count"): Promise<T[]> {
    const copy = this.copy(home);
    const out = path.join(path.dirname(copy), "calls.json");
    const worker = await runWorker(scene.name, copy, { mode, out });
    if (worker.all.at(-1) !== "done") throw new Error(`Cannot record "${scene.name}": ${worker.all.join("; ")}`);
    const text = fs.readFileSync(out, "utf8").replaceAll(copy, "");
    this.drop(copy);
    return JSON.parse(text) as T[];
  }

  clear(): void {
    fs.rmSync(this.#root, { recursive: true, force: true });
  }
}
