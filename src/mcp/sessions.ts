import type { McpServer, ServerContext } from "@modelcontextprotocol/server";
import { asFarAsPossible } from "../context.ts";
import { RelayError } from "../errors.ts";
import type { Relay } from "../relay.ts";

/** What a call says of who calls. */
export interface McpCaller {
  /** Its session, if it says that. */
  readonly session?: string | undefined;
  /** What the program calls itself. */
  readonly client?: string | undefined;
}

export interface SessionsDeps {
  /** The relay as the session that calls. */
  readonly open: (caller: McpCaller) => Promise<Relay>;
  /** Called when that is there, and in use. */
  readonly used: () => void;
  /** Unix ms. */
  readonly now: () => number;
}

const SIGN_EVERY_MS = 30_000; // ms; an agent is idle for the others after 15 minutes, and a claim lasts 30

interface OpenSession {
  readonly relay: Relay;
  /** When its session was last said to live, Unix ms. */
  readonly at: number;
}

/** The relays of those who call: each is there from their first call on, and their calls are their signs of life. */
export class McpSessions {
  readonly #server: McpServer;
  readonly #deps: SessionsDeps;
  readonly #known = new Map<string, Promise<OpenSession>>();

  constructor(server: McpServer, deps: SessionsDeps) {
    this.#server = server;
    this.#deps = deps;
  }

  /** Registers the session if need be. Throws `refused` for a relay whose content is not to be put before a model. */
  async relay(context?: ServerContext): Promise<Relay> {
    const session = sessionIn(context);
    const key = session ?? "";
    const before = this.#known.get(key);
    const looked = this.#looked(before, { session, client: this.client(context) });
    this.#known.set(key, looked);
    try {
      return (await looked).relay;
    } catch (error) {
      if (this.#known.get(key) === looked) this.#known.delete(key); // the next call tries again
      throw error;
    }
  }

  async #looked(before: Promise<OpenSession> | undefined, caller: McpCaller): Promise<OpenSession> {
    const { now, open, used } = this.#deps;
    const known = await before?.catch(() => undefined); // whoever asked has heard of it
    if (known && now() - known.at < SIGN_EVERY_MS) return known;
    const relay = known?.relay ?? (await open(caller));
    await asFarAsPossible(() => here(relay)); // a relay that cannot be written can be looked at all the same
    if (!(await relay.isTrusted()))
      throw new RelayError("refused", "This project's relay came from elsewhere: what is in it is not shown to you", {
        next: "ask the person you work for to type: agent-relay trust",
      });
    if (known) await asFarAsPossible(() => relay.renewClaims({ ifDue: true }));
    used();
    return { relay, at: now() };
  }

  /** What the calling program calls itself: with each call since the revision of 2026, once before it. */
  client(context?: ServerContext): string | undefined {
    const { "io.modelcontextprotocol/clientInfo": said } = Object(context?.mcpReq.envelope);
    return typeof said?.name === "string" ? said.name : this.#server.server.getClientVersion()?.name;
  }
}

/** Makes the session known, and a relay where there is none; of an agent that was started anew, the registered process has died. */
async function here(relay: Relay): Promise<void> {
  const lives = await relay.heartbeat();
  if (!lives || (await relay.find(lives.session_id))?.presence === "gone") await relay.register();
}

/** Codex says with each call which of its sessions it is for. */
function sessionIn(context?: ServerContext): string | undefined {
  const told = context?.mcpReq._meta?.sessionId ?? context?.mcpReq._meta?.threadId;
  return typeof told === "string" && told !== "" ? told : undefined;
}
