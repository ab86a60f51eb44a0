import type { McpServer, ServerContext } from "@modelcontextprotocol/server";
import { RelayError } from "../errors.ts";
import type { Relay } from "../relay.ts";

/** What a call says of who calls. */
export interface Caller {
  /** Its session, if it says that. */
  readonly session?: string | undefined;
  /** What the program calls itself. */
  readonly client?: string | undefined;
}

/** The relays of those who call: each is there from their first call on. */
export class Callers {
  readonly #server: McpServer;
  readonly #open: (caller: Caller) => Promise<Relay>;
  readonly #known = new Map<string, Relay>();

  constructor(server: McpServer, open: (caller: Caller) => Promise<Relay>) {
    this.#server = server;
    this.#open = open;
  }

  /** Registers the session if need be. Throws `refused` for a relay whose content is not to be put before a model. */
  async relay(context?: ServerContext): Promise<Relay> {
    const session = sessionIn(context);
    const before = this.#known.get(session ?? "");
    if (before) return before;
    const relay = await this.#open({ session, client: this.client(context) });
    if (!(await relay.heartbeat())) await relay.register(); // which makes one where there is none
    if (!(await relay.isTrusted()))
      throw new RelayError("refused", "This project's relay came from elsewhere: what is in it is not shown to you", {
        next: "ask the person you work for to type: agent-relay trust",
      });
    this.#known.set(session ?? "", relay);
    return relay;
  }

  /** What the calling program calls itself: with each call since the revision of 2026, once before it. */
  client(context?: ServerContext): string | undefined {
    const { "io.modelcontextprotocol/clientInfo": said } = Object(context?.mcpReq.envelope);
    return typeof said?.name === "string" ? said.name : this.#server.server.getClientVersion()?.name;
  }
}

/** Codex says with each call which of its sessions it is for. */
function sessionIn(context?: ServerContext): string | undefined {
  const told = context?.mcpReq._meta?.sessionId ?? context?.mcpReq._meta?.threadId;
  return typeof told === "string" && told !== "" ? told : undefined;
}
