import type { McpServer, ServerContext } from "@modelcontextprotocol/server";
import { asFarAsPossible } from "../context.ts";
import { RelayError } from "../errors.ts";
import { hostNamed } from "../hosts/detect.ts";
import { HOSTS } from "../hosts/hosts.ts";
import type { Relay } from "../relay.ts";

/** What a call says of its caller. */
export interface McpCaller {
  /** Its session, if it says that. */
  readonly session?: string | undefined;
  /** What the program calls itself. */
  readonly client?: string | undefined;
}

export interface SessionsDeps {
  /** The relay as the session that calls. */
  readonly open: (caller: McpCaller) => Promise<Relay>;
  /** Whether the relay is still that of the session that calls: its host may have gone on to another. */
  readonly isCurrent: (relay: Relay) => Promise<boolean>;
  /** Whether there is a relay. */
  readonly isThere: () => boolean;
  /** Called when a relay was opened, and at each sign of life of its session. */
  readonly used: () => void;
  /** Unix ms. */
  readonly now: () => number;
}

const SIGN_EVERY_MS = 30_000; // an agent is idle for the others after 15 minutes, and a claim lasts 30

interface OpenSession {
  readonly relay: Relay;
  /** The last sign of life of its session, Unix ms. */
  readonly at: number;
}

/** One Relay for each calling session, from its first call on. The calls are the session's signs of life. */
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

  /** Registers who has come, so that others can write to it before it calls. Not a host whose calls name their sessions. */
  async arrive(): Promise<void> {
    const host = hostNamed(this.client() ?? "")?.agent;
    if (HOSTS.some(({ agent, namesSession }) => agent === host && namesSession) || !this.#deps.isThere()) return;
    const relay = await this.relay();
    if (!(await this.#deps.isCurrent(relay))) await relay.agents.unregister(); // its hooks have told and registered its session meanwhile
  }

  async #looked(before: Promise<OpenSession> | undefined, caller: McpCaller): Promise<OpenSession> {
    const { now, open, used, isCurrent } = this.#deps;
    const earlier = await before?.catch(() => undefined); // that call has reported its error
    const known = earlier && (await isCurrent(earlier.relay)) ? earlier : undefined;
    if (known && now() - known.at < SIGN_EVERY_MS) return known;
    const relay = known?.relay ?? (await open(caller));
    await asFarAsPossible(() => here(relay)); // a relay that cannot be written can still be read
    if (!(await relay.admin.isTrusted()))
      throw new RelayError("refused", "This project's relay came from elsewhere: what is in it is not shown to you", {
        next: "ask the person you work for to type: agent-relay trust",
      });
    if (known) await asFarAsPossible(() => relay.claims.renew({ ifDue: true }));
    used();
    return { relay, at: now() };
  }

  /** The calling program's name. Since the revision of 2026 each call has it; before, a program says it once. */
  client(context?: ServerContext): string | undefined {
    const { "io.modelcontextprotocol/clientInfo": said } = Object(context?.mcpReq.envelope);
    return typeof said?.name === "string" ? said.name : this.#server.server.getClientVersion()?.name;
  }
}

/** Registers the session, also after a restart (the registered process has died). Makes a relay if there is none. */
async function here(relay: Relay): Promise<void> {
  const lives = await relay.agents.heartbeat("mcp");
  if (lives && (await relay.agents.find(lives.session_id))?.presence !== "gone") return;
  await relay.agents.register();
  await relay.agents.heartbeat("mcp");
}

/** Codex says with each call which of its sessions it is for. */
function sessionIn(context?: ServerContext): string | undefined {
  const told = context?.mcpReq._meta?.sessionId ?? context?.mcpReq._meta?.threadId;
  return typeof told === "string" && told !== "" ? told : undefined;
}
