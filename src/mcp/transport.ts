import type { Transport } from "@modelcontextprotocol/server";
import { RelayError } from "../errors.ts";
import { withoutHalves } from "../text.ts";

/** Tells when the answer to a request, or a notification, was written to the caller. */
export class WrittenAnswers {
  readonly #notified: ((method: string, params: unknown) => void)[] = [];
  readonly #waiting = new Map<string, { resolve: () => void; reject: (why: unknown) => void }>();

  /** Resolves when the answer to request `id` was written; rejects if it never will be (a cancelled request). */
  written(id: string | number, signal: AbortSignal): Promise<void> {
    this.#reject(id, "its id was used again");
    const written = new Promise<void>((resolve, reject) => this.#waiting.set(keyOf(id), { resolve, reject }));
    const end = () => this.#reject(id, "it was taken back");
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
    const clear = () => signal.removeEventListener("abort", end);
    written.then(clear, clear); // handles the rejection too: few tools look at this promise
    return written;
  }

  /** Calls `listener` with each notification that was written, whoever sent it. */
  onNotification(listener: (method: string, params: unknown) => void): void {
    this.#notified.push(listener);
  }

  /** Makes a transport tell what it has written; `ended` is called when it cannot write, or is closed. */
  watch<T extends Transport>(transport: T, ended = () => {}): T {
    const send = transport.send.bind(transport);
    const close = transport.close.bind(transport);
    transport.close = async () => {
      await close();
      ended();
    };
    transport.send = async (message, options) => {
      const waiting = "id" in message && !("method" in message) ? this.#take(message.id) : undefined;
      try {
        await send(withoutHalves(message), options);
        waiting?.resolve();
        if ("method" in message && !("id" in message))
          for (const listener of this.#notified) listener(message.method, message.params);
      } catch (error) {
        waiting?.reject(error);
        ended();
        throw error;
      }
    };
    return transport;
  }

  /** Rejects all that wait: nothing is written any more. */
  end(): void {
    const gone = noAnswer("who asked is gone");
    for (const { reject } of this.#waiting.values()) reject(gone);
    this.#waiting.clear();
  }

  #reject(id: string | number, why: string): void {
    this.#take(id)?.reject(noAnswer(why));
  }

  #take(id: string | number | null | undefined) {
    const key = keyOf(id);
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    return waiting;
  }
}

function noAnswer(why: string): RelayError {
  return new RelayError("failed", `Cannot answer: ${why}`);
}

function keyOf(id: string | number | null | undefined): string {
  return `${typeof id} ${id}`;
}
