import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

/** How a worker runs: see worker.mjs and points.mjs. */
export interface Plan {
  readonly mode: "plain" | "wait" | "count" | "kill" | "half" | "stop" | "record";
  readonly at?: number;
  readonly out?: string;
}

/** A process whose output is read by whole lines. */
export class Lines {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  text = "";
  #wake = () => {};

  constructor(child: ChildProcess, stream: "stdout" | "stderr") {
    this.child = child;
    this.ended = once(child, "close");
    child[stream]?.setEncoding("utf8").on("data", (part: string) => {
      this.text += part;
      this.#wake();
    });
    this.ended.then(
      () => this.#wake(),
      () => this.#wake(),
    );
  }

  get all(): string[] {
    return this.text.split("\n").slice(0, -1);
  }

  /** True once a line has `word` in it, false if the process ends without. */
  async has(word: string): Promise<boolean> {
    while (!this.all.some((line) => line.includes(word))) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        await this.ended;
        return this.all.some((line) => line.includes(word));
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return true;
  }
}

const WORKER = fileURLToPath(new URL("worker.mjs", import.meta.url));

export function startWorker(name: string, home: string, plan: Plan): Lines {
  const child = spawn(process.execPath, [WORKER, name, home, JSON.stringify(plan)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin?.on("error", () => {}); // it may be dead before it is told to go
  return new Lines(child, "stdout");
}

/** Runs an operation to its end, or to wherever `plan` ends it. */
export async function runWorker(name: string, home: string, plan: Plan = { mode: "plain" }): Promise<Lines> {
  const worker = startWorker(name, home, plan);
  await worker.ended;
  return worker;
}

const PROGRESS_EVERY_MS = 60_000;

/** Runs `work` on each item, two at once, and says each minute how far it is. The first failure ends it, after those under way. */
export async function inPairs<T>(items: readonly T[], work: (item: T) => Promise<void>, lanes = 2): Promise<void> {
  const rest = items.entries();
  let hasFailed = false;
  let begun = 0;
  const name = expect.getState().currentTestName?.split(":")[0];
  const timer = setInterval(() => console.log(`  ${name}: ${begun} of ${items.length}`), PROGRESS_EVERY_MS);
  const lane = async () => {
    for (const [, item] of rest) {
      if (hasFailed) return;
      begun++;
      await work(item).catch((error: unknown) => {
        hasFailed = true;
        throw error;
      });
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: lanes }, lane));
  clearInterval(timer);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
