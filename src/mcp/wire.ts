import type { Transport } from "@modelcontextprotocol/server";
import { RelayError } from "../errors.ts";

/** Knows what was written to who called, and when it was taken. */
export class Wire {
  readonly #notified: ((method: string, params: unknown) => void)[] = [];
  readonly #waiting = new Map<string, { resolve: () => void; reject: (why: unknown) => void }>();

  /** Resolves when the answer to request `id` was written; rejects if it never will be. */
  written(id: string | number): Promise<void> {
    const written = new Promise<void>((resolve, reject) => this.#waiting.set(keyOf(id), { resolve, reject }));
    written.catch(() => {}); // few tools ask
    return written;
  }

  /** Calls `listener` with each notification that was written, whoever sent it. */
  onNotification(listener: (method: string, params: unknown) => void): void {
    this.#notified.push(listener);
  }

  /** Makes a transport tell what it has written. */
  watch<T extends Transport>(transport: T): T {
    const send = transport.send.bind(transport);
    transport.send = async (message, options) => {
      const waiting = "id" in message && !("method" in message) ? this.#take(message.id) : undefined;
      try {
        await send(message, options);
        waiting?.resolve();
        if ("method" in message && !("id" in message))
          for (const listener of this.#notified) listener(message.method, message.params);
      } catch (error) {
        waiting?.reject(error);
        throw error;
      }
    };
    return transport;
  }

  /** Nothing is written any more. */
  end(): void {
    const gone = new RelayError("failed", "Cannot answer: who asked is gone");
    for (const { reject } of this.#waiting.values()) reject(gone);
    this.#waiting.clear();
  }

  #take(id: string | number | null | undefined) {
    const key = keyOf(id);
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    return waiting;
  }
}

function keyOf(id: string | number | null | undefined): string {
  return `${typeof id} ${id}`;
}
