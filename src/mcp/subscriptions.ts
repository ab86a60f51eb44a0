import type { McpServer, ServerContext } from "@modelcontextprotocol/server";
import * as z from "zod";
import { RelayError } from "../errors.ts";
import { orProtocolError } from "./result.ts";
import type { WrittenAnswers } from "./transport.ts";

/** The only resource that can be subscribed to. Hosts read the others when they want them. */
const WATCHED = "relay://inbox";

const Acknowledged = z.object({ notifications: z.object({ resourceSubscriptions: z.array(z.string()).default([]) }) });

function urisIn(params: unknown): string[] {
  return Acknowledged.safeParse(params).data?.notifications.resourceSubscriptions ?? [];
}

/** Tells the subscriber that the inbox may have changed. Watches only while there is a subscription. */
export class Subscriptions {
  readonly #server: McpServer;
  readonly #changes: (signal: AbortSignal, context?: ServerContext) => Promise<AsyncIterable<unknown>>;
  readonly #failed: (error: Error) => void;
  #watching: AbortController | undefined;

  constructor(
    server: McpServer,
    changes: (signal: AbortSignal, context?: ServerContext) => Promise<AsyncIterable<unknown>>,
    answers: WrittenAnswers,
    failed: (error: Error) => void,
  ) {
    this.#server = server;
    this.#changes = changes;
    this.#failed = failed;
    // Since the revision of 2026 the library itself takes subscriptions and acknowledges them. It has no hook for the
    // end of one: then we watch for nobody until the connection ends.
    answers.onNotification((method, params) => {
      if (method === "notifications/subscriptions/acknowledged" && urisIn(params).includes(WATCHED))
        this.begin().catch((error: Error) => failed(error));
    });
    // Revisions before 2026.
    server.server.setRequestHandler("resources/subscribe", ({ params: { uri } }, context) =>
      orProtocolError(async () => {
        if (uri !== WATCHED)
          throw new RelayError("usage", `Cannot tell of changes of ${uri}: only ${WATCHED} is watched`);
        await this.begin(context);
        return {};
      }),
    );
    server.server.setRequestHandler("resources/unsubscribe", async ({ params: { uri } }) => {
      if (uri === WATCHED) this.end();
      return {};
    });
  }

  /** Watches for the session that asks, in place of the one that asked before. */
  async begin(context?: ServerContext): Promise<void> {
    const watching = new AbortController();
    const changes = await this.#changes(watching.signal, context);
    this.end();
    this.#watching = watching;
    this.#tell(changes).catch((error: unknown) => {
      if (watching.signal.aborted) return;
      if (this.#watching === watching) this.end(); // so that the next subscription watches again
      this.#failed(error instanceof Error ? error : new Error(String(error)));
    });
  }

  end(): void {
    this.#watching?.abort();
    this.#watching = undefined;
  }

  async #tell(changes: AsyncIterable<unknown>): Promise<void> {
    for await (const _ of changes) await this.#server.server.sendResourceUpdated({ uri: WATCHED });
  }
}
