import { type ChildProcessByStdio, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { buildSync } from "esbuild";
import { onTestFinished } from "vitest";

const HERE = import.meta.dirname;

export interface StartOptions {
  /** Program and arguments that run node; default this node. */
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Told of each line that the worker says without being asked. */
  readonly onNote?: (note: unknown) => void;
}

/** A path for a relay in a folder of its own, which goes when the test ends. */
export function newRelayDir(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "agent-relay-races-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return path.join(folder, ".relay");
}

/** A script of ours that looks at more than the library shows, as one that node can run. It goes when the test ends. */
export function bundled(script: string): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "agent-relay-worker-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  const outfile = path.join(folder, script);
  buildSync({ entryPoints: [path.join(HERE, script)], outfile, bundle: true, platform: "node", format: "esm" });
  return outfile;
}

/** Starts one worker; it is ready when this returns, and is killed when the test ends. */
export async function start(script: string, args: object, options: StartOptions = {}): Promise<Worker> {
  const [program = process.execPath, ...first] = options.command ?? [];
  const child = spawn(program, [...first, path.resolve(HERE, script), JSON.stringify(args)], {
    stdio: ["pipe", "pipe", "inherit"],
    env: options.env ?? process.env,
  });
  const worker = new Worker(child, options.onNote ?? (() => {}));
  onTestFinished(() => worker.kill());
  await worker.ask("ready");
  return worker;
}

/** Starts `count` workers at once. */
export function crowd(count: number, script: string, args: (index: number) => object): Promise<Worker[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => start(script, args(index))));
}

/** Asks all of them the same at the same moment. */
export function askAll<T>(workers: readonly Worker[], verb: string, args?: unknown): Promise<T[]> {
  return Promise.all(workers.map((worker) => worker.ask<T>(verb, args)));
}

/** A worker process that answers one line with one line, in turn (serve.mjs is its other end). */
export class Worker {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  /** When the process has ended and all it said has been heard. */
  readonly ended: Promise<void>;

  constructor(child: ChildProcessByStdio<Writable, Readable, null>, onNote: (note: unknown) => void) {
    this.#child = child;
    child.stdin.on("error", () => {}); // it was killed: its end says so
    createInterface(child.stdout).on("line", (line) => this.#hear(line, onNote));
    this.ended = new Promise((resolve) => {
      child.on("close", () => {
        for (const { reject } of this.#waiting.splice(0)) reject(new Error("the worker ended before it answered"));
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The answer of `verb`. Rejects with the worker's error, whose `code` it keeps. */
  ask<T>(verb: string, args: unknown = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ resolve: (value) => resolve(value as T), reject });
      this.#child.stdin.write(`${JSON.stringify([verb, args])}\n`);
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  kill(): Promise<void> {
    this.signal("SIGKILL");
    return this.ended;
  }

  #hear(line: string, onNote: (note: unknown) => void): void {
    const said: { note?: unknown; value?: unknown; error?: { code?: string; message: string } } = JSON.parse(line);
    if ("note" in said) onNote(said.note);
    const asked = "note" in said ? undefined : this.#waiting.shift();
    if (said.error) asked?.reject(Object.assign(new Error(said.error.message), { code: said.error.code }));
    else asked?.resolve(said.value);
  }
}

/** Calls with a promise that ends when someone says `name`. */
export class Notes {
  readonly #said = new Set<string>();
  readonly #waiting = new Map<string, () => void>();
  readonly hear = (note: unknown): void => {
    this.#said.add(String(note));
    this.#waiting.get(String(note))?.();
  };

  said(name: string): Promise<void> {
    return new Promise((resolve) => (this.#said.has(name) ? resolve() : this.#waiting.set(name, resolve)));
  }
}

/** The value below which `share` (0 to 1) of the numbers are. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** What an inbox lists, as `ls` shows it. */
export function listed(inbox: string): string[] {
  return fs.readdirSync(inbox).filter((name) => !name.startsWith("."));
}
