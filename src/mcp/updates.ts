import type { McpServer } from "@modelcontextprotocol/server";
import { RelayError } from "../errors.ts";

/** The resource whose changes are told of: the others are looked at when they are wanted. */
const WATCHED = "relay://inbox";

/** Tells who has asked for it that there is something new in the inbox. Watches only while somebody has. */
export class Updates {
  readonly #server: McpServer;
  readonly #changes: (signal: AbortSignal) => Promise<AsyncIterable<void>>;
  readonly #failed: (error: Error) => void;
  #watching: AbortController | undefined;

  constructor(
    server: McpServer,
    changes: (signal: AbortSignal) => Promise<AsyncIterable<void>>,
    failed: (error: Error) => void,
  ) {
    this.#server = server;
    this.#changes = changes;
    this.#failed = failed;
    // The revisions up to 2025-11-25; later ones ask for a stream of their own, which the library keeps.
    server.server.setRequestHandler("resources/subscribe", async ({ params: { uri } }) => {
      if (uri !== WATCHED)
        throw new RelayError("usage", `Cannot tell of changes of ${uri}: only ${WATCHED} is watched`);
      this.begin();
      return {};
    });
    server.server.setRequestHandler("resources/unsubscribe", async () => {
      this.end();
      return {};
    });
  }

  begin(): void {
    if (this.#watching) return;
    const watching = new AbortController();
    this.#watching = watching;
    this.#tell(watching.signal).catch((error: unknown) => {
      if (!watching.signal.aborted) this.#failed(error instanceof Error ? error : new Error(String(error)));
    });
  }

  end(): void {
    this.#watching?.abort();
    this.#watching = undefined;
  }

  async #tell(signal: AbortSignal): Promise<void> {
    for await (const _ of await this.#changes(signal)) await this.#server.server.sendResourceUpdated({ uri: WATCHED });
  }
}
