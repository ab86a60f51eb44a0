import type { McpServer } from "@modelcontextprotocol/server";
import * as z from "zod";
import { RelayError } from "../errors.ts";
import { orProtocolError } from "./result.ts";
import type { Wire } from "./wire.ts";

/** The resource whose changes are told of: the others are looked at when they are wanted. */
const WATCHED = "relay://inbox";

const Acknowledged = z.object({ notifications: z.object({ resourceSubscriptions: z.array(z.string()).default([]) }) });

function urisIn(params: unknown): string[] {
  return Acknowledged.safeParse(params).data?.notifications.resourceSubscriptions ?? [];
}

/** Tells who has asked for it that there is something new in the inbox. Watches only while somebody has. */
export class Updates {
  readonly #server: McpServer;
  readonly #changes: (signal: AbortSignal) => Promise<AsyncIterable<void>>;
  readonly #failed: (error: Error) => void;
  #watching: AbortController | undefined;

  constructor(
    server: McpServer,
    changes: (signal: AbortSignal) => Promise<AsyncIterable<void>>,
    wire: Wire,
    failed: (error: Error) => void,
  ) {
    this.#server = server;
    this.#changes = changes;
    this.#failed = failed;
    // Since the revision of 2026 the library itself takes subscriptions, and says which it has taken: it has no hook for
    // when one ends, so that we then watch for nobody until the connection ends.
    wire.onNotification((method, params) => {
      if (method === "notifications/subscriptions/acknowledged" && urisIn(params).includes(WATCHED)) this.begin();
    });
    // The revisions before it.
    server.server.setRequestHandler("resources/subscribe", ({ params: { uri } }) =>
      orProtocolError(async () => {
        if (uri !== WATCHED)
          throw new RelayError("usage", `Cannot tell of changes of ${uri}: only ${WATCHED} is watched`);
        this.begin();
        return {};
      }),
    );
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
