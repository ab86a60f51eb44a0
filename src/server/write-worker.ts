import { parentPort, workerData } from "node:worker_threads";
import { errorData, RelayError } from "../errors.ts";
import { FileStore } from "../store/file/file-store.ts";
import type { WriteResult } from "./write-pool.ts";

// A thread of a server that writes messages: several threads waiting for the disk together wait hardly longer than one.

/** Begins to write what the server's own thread sends. */
export function start(): void {
  const { dir, trusted } = workerData as { dir: string; trusted: readonly string[] };
  const store = new FileStore(dir, { trusted });
  parentPort?.on("message", async ({ id, key, value, delivery }) => {
    parentPort?.postMessage(await written(id, () => store.publish(key, value, delivery)));
  });
}

async function written(id: number, write: () => Promise<string[]>): Promise<WriteResult> {
  try {
    return { id, inboxes: await write() };
  } catch (error) {
    return { id, error: errorData(error instanceof RelayError ? error : new RelayError("failed", String(error))) };
  }
}
