import { Worker } from "node:worker_threads";
import { type ErrorData, RelayError } from "../errors.ts";
import { forwarding } from "../store/forwarding.ts";
import type { Delivery, Store, Value } from "../store/store.ts";
import { sleep } from "../time.ts";

const THREADS = 4; // more would only wait for the disk (2 cores, ext4: 480 sends a second with 1, 1,100 with 4)

/** What a thread answers to a write: the inboxes that list the message, or the error. */
export type WriteResult =
  | { readonly id: number; readonly inboxes: string[] }
  | {
      readonly id: number;
      readonly error: ErrorData;
    };

interface PendingWrite {
  readonly worker: Worker;
  readonly resolve: (inboxes: string[]) => void;
  readonly reject: (error: Error) => void;
}

/** Threads that write messages for a server, started when there is something to write. */
export class WritePool {
  readonly #file: string;
  readonly #data: { readonly dir: string; readonly trusted: readonly string[] };
  readonly #workers = new Map<number, Worker>();
  readonly #waiting = new Map<number, PendingWrite>();
  #last = 0;

  /** `file` is the thread's program. */
  constructor(file: string, data: { readonly dir: string; readonly trusted: readonly string[] }) {
    this.#file = file;
    this.#data = data;
  }

  readonly publish = (key: string, value: Value, delivery: Delivery): Promise<string[]> => {
    const id = ++this.#last;
    const worker = this.#workerFor(id);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { worker, resolve, reject });
      worker.postMessage({ id, key, value, delivery });
    });
  };

  /** Waits for the pending writes, then ends the threads. */
  async end(): Promise<void> {
    while (this.#waiting.size > 0) await sleep(5);
    for (const worker of this.#workers.values()) await worker.terminate();
  }

  #workerFor(turn: number): Worker {
    const place = turn % THREADS;
    const known = this.#workers.get(place);
    if (known) return known;
    const worker = new Worker(this.#file, { workerData: this.#data });
    this.#workers.set(place, worker);
    worker.unref();
    worker.on("message", (written: WriteResult) => this.#told(written));
    worker.on("error", (error) => this.#died(worker, error));
    worker.on("exit", () => this.#died(worker, new Error("a thread that writes has ended")));
    return worker;
  }

  #told(written: WriteResult): void {
    const waiting = this.#waiting.get(written.id);
    this.#waiting.delete(written.id);
    if ("inboxes" in written) waiting?.resolve(written.inboxes);
    else {
      const { code, message, ...more } = written.error;
      waiting?.reject(new RelayError(code, message, more));
    }
  }

  /** Fails the writes of a dead thread. Their messages may be there or not: the sender asks again with the same id. */
  #died(worker: Worker, cause: Error): void {
    for (const [place, known] of this.#workers) if (known === worker) this.#workers.delete(place);
    for (const [id, waiting] of this.#waiting)
      if (waiting.worker === worker) {
        this.#waiting.delete(id);
        waiting.reject(
          new RelayError("failed", "Cannot tell whether that was sent: the server lost a thread", { cause }),
        );
      }
  }
}

/** The same store, with another way to publish. */
export function publishingBy(publish: Store["publish"], store: Store): Store {
  return { ...forwarding(store), publish };
}
