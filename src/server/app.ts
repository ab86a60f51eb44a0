import { type Context, Hono, type MiddlewareHandler, type Next } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { getPath } from "hono/utils/url";
import { AuthorizedStore } from "../access/authorized-store.ts";
import { type Caller, userOf } from "../access/policy.ts";
import { reservedBy, usersIn } from "../access/reserved.ts";
import { checkSession } from "../agents/agent.ts";
import { BoundedMap } from "../bounded-map.ts";
import { RelayError } from "../errors.ts";
import { hashOf } from "../identity/member.ts";
import { countUnread } from "../messages/mailbox.ts";
import { statusOf, toWire } from "../store/http/wire.ts";
import { checkSegment } from "../store/key.ts";
import type { Store, Value } from "../store/store.ts";
import { jsonText } from "../text.ts";
import { steady } from "../time.ts";
import { jsonAnswer } from "./answer.ts";
import { apiRoutes } from "./api.ts";
import type { Admitted, Authenticator } from "./auth.ts";
import type { EventStreams } from "./event-streams.ts";
import { IdempotentAnswers } from "./idempotency.ts";
import type { Maintenance } from "./maintenance.ts";
import type { Metrics } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import { Participants } from "./participants.ts";
import { RateLimiter } from "./rate-limit.ts";
import { bodyOf, keyOf, rangeIn, storeRoutes } from "./store-routes.ts";

/** One relay, as it is served. */
export interface Served {
  /** The relay's name. It may stand first in a path. */
  readonly name: string;
  /** The relay's folder. */
  readonly dir: string;
  /** The session of this machine's own user, for requests that name none. */
  readonly operator: string;
  readonly version: string;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly auth: Authenticator;
  readonly streams: EventStreams;
  /** How many requests one user may make. */
  readonly perOwner: { readonly perSecond: number; readonly burst: number };
  /** How many messages one user may send in a minute. */
  readonly messagesPerMinute: number;
  /** The place of this server's processes: a pid means something only there. */
  readonly place: string;
  readonly maintenance: Maintenance;
  readonly onBug: (error: unknown) => void;
  readonly now: () => number;
}

// Paths that show what became of waits.
const SHOWS_OUTCOMES = /^\/v1\/[a-z]+\/(?:inboxes|waits|claims)\/|^\/(?:inbox|unread|status|claims)$/;

/** What each request that was let in has. */
interface AdmittedRequest {
  readonly admitted: Admitted;
  readonly caller: Caller;
  readonly store: Store;
}
type Env = { Variables: { asked: AdmittedRequest } };

const STREAM = /^\/(?:events$|v1\/changes\/)/;
const LOGINS = { perSecond: 20, burst: 200 }; // of one address, which may be a proxy's
const FAILURES = { perSecond: 1, burst: 30 }; // of one address: requests with a secret that lets nobody in

/** Answers requests about one relay, each as its caller may have it. */
export function relayApp(served: Served): Hono<Env> {
  const { auth, streams, maintenance } = served;
  const app = new Hono<Env>({ getPath: (request) => within(served.name, getPath(request)) });
  const logins = new RateLimiter(LOGINS);

  app.onError((error, c) => answerOf(error, c, served.onBug));
  app.notFound((c) => jsonAnswer(c, toWire(new RelayError("not_found", "Cannot find that: no such path")), 404));

  app.post("/v1/challenge", (c) => withinLimit(c, logins, async () => jsonAnswer(c, auth.challenge())));
  app.post("/v1/login", (c) => withinLimit(c, logins, async () => jsonAnswer(c, await auth.login(await bodyOf(c)))));

  app.use("*", admission(served));

  app.get("/v1/me", (c) => {
    const { admitted, caller } = c.get("asked");
    return jsonAnswer(c, { owner: admitted.owner ?? null, scope: admitted.scope, session: caller.session });
  });
  const unreadIn = (session: string) => countUnread({ ...maintenance.context, session: "nobody" }, session);
  app.get("/v1/unread/", async (c) => {
    const sessions = await c.get("asked").store.list("agents", rangeIn(c));
    const unread: Record<string, number> = {};
    for (const session of sessions) unread[session] = await unreadIn(session);
    return jsonAnswer(c, { unread });
  });
  app.get("/v1/unread/:session", async (c) =>
    jsonAnswer(c, { unread: await unreadIn(checkSegment(c.req.param("session"), "session id")) }),
  );
  app.get("/v1/changes/:key{.+}", (c) => {
    const { store, admitted } = c.get("asked");
    const [folder] = keyOf(c);
    return streams.serve(c, { auth, admitted }, async function* (signal) {
      for await (const hint of store.watch(folder, signal))
        yield { event: hint === "changed" ? "change" : "perhaps", id: String(served.now()), data: "" };
    });
  });
  app.get("/metrics", (c) => c.text(served.metrics.text(), 200, { "Content-Type": "text/plain; version=0.0.4" }));
  app.get("/openapi.json", (c) => jsonAnswer(c, openApi(served.version)));
  app.route(
    "/v1",
    storeRoutes((c: Context<Env>) => c.get("asked").store),
  );
  const plain = apiRoutes({
    ...{ dir: served.dir, own: served.store, now: served.now },
    asked: (c: Context<Env>) => c.get("asked"),
    stream: (c: Context<Env>, events) => streams.serve(c, { auth, admitted: c.get("asked").admitted }, events),
  });
  app.route("/", plain);
  return app;
}

/** Lets in who may ask, as whom it asks for, and as often as it may. */
function admission(served: Served): MiddlewareHandler<Env> {
  const { auth, maintenance } = served;
  const failures = new RateLimiter(FAILURES);
  const requests = new RateLimiter(served.perOwner);
  const repeats = new IdempotentAnswers();
  const stores = new CallerStores(served);
  return async (c, next) => {
    const secret = /^Bearer (\S{1,200})$/i.exec(c.req.header("Authorization") ?? "")?.[1];
    const admitted = secret === undefined ? undefined : await auth.admitted(secret);
    if (!admitted) {
      // Only those who are not let in are held back for what others at their address tried.
      const wait = secret === undefined ? 0 : failures.take(addressOf(c), steady());
      if (wait > 0) throw tooOften(c, wait);
      c.header("WWW-Authenticate", "Bearer");
      return jsonAnswer(c, toWire(notAdmitted()), 401);
    }
    // Hono answers HEAD by what GET does, and nobody would read that stream.
    if (c.req.method === "HEAD" && STREAM.test(c.req.path)) return c.body(null, 405);
    const late = requests.take(userOf(admitted.owner) ?? "", steady());
    if (late > 0) throw tooOften(c, late);
    checkScope(admitted, c);
    const named = namedSession(c, admitted);
    const session = named === "" && !c.req.path.startsWith("/v1/") ? sessionOf(admitted, served.operator) : named;
    const caller = await callerFor(served, admitted, session);
    c.set("asked", { admitted, caller, store: stores.for(caller) });
    if (SHOWS_OUTCOMES.test(c.req.path)) await maintenance.settled();
    await onceByKey(c, next, repeats);
    if (c.req.method !== "GET") maintenance.soon();
  };
}

/** The path without the relay's name, if that stands first. */
function within(name: string, path: string): string {
  return path === `/${name}` || path.startsWith(`/${name}/`) ? path.slice(name.length + 1) || "/" : path;
}

/** The session of a plain request that names none. Like a named session, it may be somebody else's by now. */
function sessionOf({ owner }: Admitted, operator: string): string {
  return owner === undefined ? operator : owner.replace("/", "-");
}

/** One authorized store for each caller, kept between requests. */
class CallerStores {
  readonly #served: Served;
  readonly #ends: Participants;
  readonly #kept = new BoundedMap<string, Store>(MAX_STORES);
  readonly #sends: RateLimiter;
  readonly #sessionSends: RateLimiter;

  constructor(served: Served) {
    this.#served = served;
    const allowance = (perMinute: number) => new RateLimiter({ perSecond: perMinute / 60, burst: perMinute });
    this.#sends = allowance(served.messagesPerMinute);
    this.#sessionSends = allowance(served.messagesPerMinute / 2); // a user may send what two sessions may
    this.#ends = new Participants(served.store);
  }

  for(caller: Caller): Store {
    const name = jsonText([caller.owner, caller.session, caller.isReader]);
    const known = this.#kept.get(name);
    if (known) return known;
    const { store, now, maintenance } = this.#served;
    const ruled = new AuthorizedStore(store, caller, {
      ...{ now, readable: this.#ends.readable },
      take: () => this.#take(caller),
      unreadIn: (session) => countUnread(maintenance.context, session),
    });
    this.#kept.set(name, ruled);
    return ruled;
  }

  /** Takes a message from the allowances of a session and of its user. Returns 0, or in how many ms there will be one. */
  #take({ owner, session }: Caller): number {
    const now = steady();
    const whose = jsonText([owner, session]);
    const wait = this.#sessionSends.wait(whose, now) || this.#sends.take(userOf(owner) ?? "", now);
    return wait || this.#sessionSends.take(whose, now);
  }
}
const MAX_STORES = 1000;

/** The session that the request names, or `""`. Throws `usage` for a name that no session can have. */
function namedSession(c: Context, { owner }: Admitted): string {
  const session = c.req.header("Agent-Relay-Session") ?? "";
  if (session === "" || (owner === undefined && session === "nobody")) return session;
  return checkSession(session);
}

/** The caller of a request. Throws `refused` if the session that it acts for is another's. */
async function callerFor(
  { store, place, operator, now }: Served,
  { owner, scope, byToken }: Admitted,
  session: string,
): Promise<Caller> {
  const agent =
    session === ""
      ? undefined
      : ((await store.get(`agents/${session}`)) ?? (await store.get(`archive/agents/${session}`)));
  const records = new Map<string, Value | undefined>();
  if (session !== "" && !agent && owner !== undefined)
    for (const key of usersIn(session)) records.set(key, await store.get(key));
  const isReserved = reservedBy({ owner, operator }, session, { now: now(), records }) !== undefined;
  if (agent ? agent.owner !== owner : owner !== undefined && isReserved)
    throw new RelayError("refused", `Cannot act for "${session}": it is another's`, { next: "agent-relay whoami" });
  return { session, owner, elsewhere: place, operator, isReader: scope === "read", byToken };
}

/** Runs a request with an Idempotency-Key once, however often it comes. */
async function onceByKey(c: Context<Env>, next: Next, repeats: IdempotentAnswers): Promise<void> {
  const word = c.req.header("Idempotency-Key");
  if (word === undefined || c.req.method === "GET") return next();
  const { caller } = c.get("asked");
  const { pathname } = new URL(c.req.url);
  const whole = jsonText([caller.owner, caller.session, c.req.method, pathname, word.slice(0, 200)]);
  const asked = hashOf(await c.req.text());
  const response = await repeats.once(caller.owner ?? "", whole, asked, steady(), async () => {
    await next();
    return c.res;
  });
  c.res = undefined;
  c.res = response;
}

function checkScope({ scope }: Admitted, c: Context): void {
  const { method, path } = c.req;
  const may =
    scope === "all" || (scope === "read" ? method === "GET" : method === "POST" && path.endsWith("/messages"));
  if (!may) throw new RelayError("refused", `Cannot do that with this token: it is good to ${scope} alone`);
}

/** Runs a request that anybody may make before a login. Throws `limit` if the address asks too often. */
async function withinLimit(c: Context, allowance: RateLimiter, run: () => Promise<Response>): Promise<Response> {
  const wait = allowance.take(addressOf(c), steady());
  if (wait > 0) throw tooOften(c, wait);
  return run();
}

function tooOften(c: Context, wait: number): RelayError {
  const seconds = Math.ceil(wait / 1000);
  c.header("Retry-After", String(seconds));
  return new RelayError("limit", "Cannot ask so often", {
    next: `wait ${seconds} s`,
    details: { retry_after_ms: Math.ceil(wait) },
  });
}

function notAdmitted(): RelayError {
  return new RelayError("refused", "Cannot let you in: no token, or not one that is known here", {
    next: "agent-relay login <url>",
  });
}

const RETRY_AFTER_SECONDS = 5; // a whole allowance is back after a minute, and a part of it after this

/** The address of the connection: behind a proxy, the proxy's. */
function addressOf(c: Context): string {
  return c.env?.incoming?.socket?.remoteAddress ?? "";
}

function answerOf(error: unknown, c: Context, onBug: (error: unknown) => void): Response {
  if (!(error instanceof RelayError)) onBug(error);
  const known = error instanceof RelayError ? error : new RelayError("failed", "Cannot do that: the server has a bug");
  const status = statusOf(known);
  if (status === 429) c.header("Retry-After", String(RETRY_AFTER_SECONDS));
  return jsonAnswer(c, toWire(known), status as ContentfulStatusCode);
}
