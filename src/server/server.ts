import { setMaxListeners } from "node:events";
import path from "node:path";
import { RelayError } from "../errors.ts";
import { newNonce } from "../id.ts";
import { MAX_USER_MESSAGES_PER_MINUTE } from "../limits.ts";
import { toWire } from "../store/http/wire.ts";
import type { Store } from "../store/store.ts";
import { steady } from "../time.ts";
import { relayApp, type Served } from "./app.ts";
import type { Authenticator } from "./auth.ts";
import { EventStreams, type StreamLimits } from "./event-streams.ts";
import { Maintenance } from "./maintenance.ts";
import { Metrics } from "./metrics.ts";

/** A relay that is to be served. */
export interface ServedRelay {
  /** The first segment of its paths. The first relay also answers without it. */
  readonly name: string;
  /** The relay's folder. */
  readonly dir: string;
  readonly store: Store;
  readonly auth: Authenticator;
}

export interface RelayServerOptions {
  readonly now: () => number;
  readonly place: string;
  /** The session of the user who runs the server, for requests that name none. */
  readonly operator: string;
  readonly version: string;
  /** The addresses that this server is called by. A request whose Host header names another is refused. */
  readonly origins: ReadonlySet<string>;
  /** Writes one line of the log. Bodies and tokens are never in it. */
  readonly log: (entry: Readonly<Record<string, unknown>>) => void;
  /** Also logs what went well. */
  readonly isVerbose?: boolean | undefined;
  readonly perOwner?: Served["perOwner"] | undefined;
  readonly messagesPerMinute?: number | undefined;
  readonly streams?: StreamLimits | undefined;
}

const PER_OWNER = { perSecond: 5000, burst: 10_000 }; // requests: more than two cores can answer
const STREAMS: StreamLimits = { most: 2000, mostEach: 500, slow: 30_000 };
const HEALTH = 1000; // ms for which the answer about health holds: anybody may ask
const HEALTH_BYTES = 4096; // a block of most disks

interface Watched {
  readonly store: Store;
  readonly auth: Authenticator;
  readonly maintenance: Maintenance;
  readonly onBug: (error: unknown) => void;
}

/** Everything that a server answers, whatever it listens on. */
export class RelayServer {
  readonly metrics = new Metrics();
  readonly #streams: EventStreams;
  readonly #apps = new Map<string, (request: Request, env: unknown) => Response | Promise<Response>>();
  readonly #relays: readonly ServedRelay[];
  readonly #ids = new Map<string, string>();
  readonly #options: RelayServerOptions;
  readonly #upkeep: readonly Maintenance[];
  readonly #over = new AbortController();
  #health: { readonly at: number; readonly answer: Promise<boolean> } | undefined;

  constructor(relays: readonly ServedRelay[], options: RelayServerOptions) {
    const { now, place, log, operator, version, perOwner = PER_OWNER } = options;
    const { messagesPerMinute = MAX_USER_MESSAGES_PER_MINUTE } = options;
    this.#streams = new EventStreams(options.streams ?? STREAMS);
    this.#relays = relays;
    this.#options = options;
    const onBug = (error: unknown) =>
      log({ level: "error", event: "bug", error: String((error as Error)?.stack ?? error) });
    const upkeeps: Maintenance[] = [];
    setMaxListeners(relays.length, this.#over.signal);
    for (const { name, store, auth, dir } of relays) {
      const maintenance = new Maintenance({ store, project: path.dirname(dir), now, onBug });
      upkeeps.push(maintenance);
      const app = relayApp({
        ...{ name, dir, operator, version, metrics: this.metrics },
        ...{ store, auth, streams: this.#streams, perOwner, messagesPerMinute, place, maintenance, onBug, now },
      });
      this.#apps.set(name, (request, given) => app.fetch(request, Object(given)));
      void this.#watchMembers({ store, auth, maintenance, onBug }).catch(onBug);
    }
    this.#upkeep = upkeeps;
    this.metrics.gauge("streams", "Streams that are open.", () => this.#streams.count);
    this.metrics.gauge("relays", "Relays that are served.", () => relays.length);
    this.metrics.gauge("resident_bytes", "Memory of the process.", () => process.memoryUsage.rss());
  }

  /** Answers one request. Never throws. */
  readonly fetch = async (request: Request, env: unknown): Promise<Response> => {
    const start = steady();
    const id = newNonce();
    const url = new URL(request.url);
    const response = await this.#answer(request, url, env);
    const ms = steady() - start;
    this.metrics.answered(request.method, response.status, ms);
    const { log, isVerbose } = this.#options;
    if (isVerbose || isOdd(request, response))
      log({
        ...{ level: response.status >= 500 ? "error" : "info", event: "request", id, method: request.method },
        ...{ path: url.pathname.slice(0, 300), status: response.status, ms: Math.round(ms * 10) / 10 },
      });
    response.headers.set("Agent-Relay-Time", String(this.#options.now()));
    response.headers.set("X-Request-Id", id);
    response.headers.set("Cache-Control", "no-store");
    response.headers.set("X-Content-Type-Options", "nosniff");
    return response;
  };

  /** Tells streams that it ends, and ends what runs beside requests. */
  async end(): Promise<void> {
    this.#over.abort();
    this.#streams.end("the server ends");
    for (const maintenance of this.#upkeep) await maintenance.end();
  }

  async #answer(request: Request, url: URL, env: unknown): Promise<Response> {
    if (url.pathname === "/health") return this.#healthAnswer();
    const { origins } = this.#options;
    if (!["http", "https"].some((scheme) => origins.has(`${scheme}://${url.host}`)))
      return error(
        421,
        "refused",
        "Cannot answer for that host: it is none of this server's names",
        "start it with --url",
      );
    // Browsers send these headers with the requests of a page: no page has any business here.
    if (request.headers.has("Origin") || (request.headers.get("Sec-Fetch-Site") ?? "none") !== "none")
      return error(403, "refused", "Cannot answer a web page");
    const [, first = ""] = url.pathname.split("/");
    const app = this.#apps.get(first) ?? this.#apps.get(this.#relays[0]?.name ?? "");
    if (!app) return error(404, "not_found", "Cannot find that: no relay is served");
    return app(request, env);
  }

  /** Good only if every store has the record of the relay that it had before, and takes bytes. */
  async #healthAnswer(): Promise<Response> {
    const now = steady();
    if (!this.#health || now - this.#health.at > HEALTH) this.#health = { at: now, answer: this.#look() };
    return (await this.#health.answer)
      ? Response.json({ status: "ok" })
      : error(503, "failed", "Cannot serve: a relay cannot be written or read", "agent-relay doctor");
  }

  async #look(): Promise<boolean> {
    const at = this.#options.now();
    try {
      for (const { name, store } of this.#relays) {
        const id = (await store.get("relay"))?.id; // before anything is written: that would make a relay that is gone
        if (typeof id !== "string" || id !== (this.#ids.get(name) ?? id)) return false;
        this.#ids.set(name, id);
        await store.update("stamps/health", () => ({ at, bytes: "x".repeat(HEALTH_BYTES) })); // a full disk takes marks
      }
      return true;
    } catch (error) {
      this.#options.log({ level: "error", event: "health", error: String(error) });
      return false;
    }
  }

  /** Ends the streams of callers no longer let in: at once after a removal, later after a login or token expires. */
  async #watchMembers({ store, auth, maintenance, onBug }: Watched): Promise<void> {
    for await (const _ of store.watch("members", this.#over.signal)) {
      auth.refresh();
      // A record that cannot be read now is looked at again.
      await this.#streams.endOfRemoved().catch(onBug);
      await maintenance.endRemoved().catch(onBug);
    }
  }
}

/** Whether an answer is worth a line of the log: a 404 to a GET is not, nor a 412 (another writer was faster). */
function isOdd({ method }: Request, { status }: Response): boolean {
  return status >= 400 && status !== 412 && !(method === "GET" && status === 404);
}

function error(status: number, code: "refused" | "not_found" | "failed", message: string, next?: string): Response {
  return Response.json(toWire(new RelayError(code, message, next === undefined ? {} : { next })), { status });
}
