import { type Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Caller } from "../access/policy.ts";
import { BoundedMap } from "../bounded-map.ts";
import { RelayError } from "../errors.ts";
import { hashOf } from "../identity/member.ts";
import type { Message } from "../messages/message.ts";
import { readMessage } from "../messages/records.ts";
import type { Sent } from "../messages/send.ts";
import { Relay } from "../relay.ts";
import { isSegment } from "../store/key.ts";
import type { Delivery, Store, Value } from "../store/store.ts";
import { jsonText } from "../text.ts";
import { jsonAnswer } from "./answer.ts";
import type { StreamEvent } from "./event-streams.ts";
import { usedBefore } from "./idempotency.ts";
import { checkNames, fieldsOf, type Params, textsIn } from "./params.ts";
import { API_ROUTES, type ApiRoute } from "./routes.ts";
import { bodyOf } from "./store-routes.ts";
import { publishingBy } from "./write-pool.ts";

/** What the plain routes need of a request that was let in. */
export interface ApiRequest {
  readonly caller: Caller;
  /** The store as this caller may use it. */
  readonly store: Store;
}

export interface ApiOptions {
  readonly asked: (c: Context) => ApiRequest;
  readonly stream: (c: Context, events: (signal: AbortSignal) => AsyncIterable<StreamEvent>) => Promise<Response>;
  /** The relay's folder, for the paths of claims. */
  readonly dir: string;
  /** The server's own store, for what it remembers of requests. */
  readonly own: Store;
  readonly now: () => number;
}

/** The routes for people with curl: each is one thing that a Relay can do, for the session that asks. */
export function apiRoutes(options: ApiOptions): Hono {
  const app = new Hono();
  const relays = new CallerRelays(options);
  for (const route of API_ROUTES)
    app.on(route.method.toUpperCase(), route.path.replace(/\{(\w+)\}/g, ":$1"), (c) =>
      answered(c, route, options, relays),
    );
  app.get("/events", (c) => options.stream(c, (signal) => events(c, options, relays, signal)));
  return app;
}

async function answered(c: Context, route: ApiRoute, options: ApiOptions, relays: CallerRelays): Promise<Response> {
  const { method, fields: known, required } = route;
  const hasBody = method !== "get" && (c.req.header("Content-Length") ?? "0") !== "0";
  const fields = hasBody ? await bodyOf(c) : fieldsOf(new URL(c.req.url).searchParams);
  checkNames(fields, Object.keys(known), required);
  const run = (relay: Relay) => route.run({ relay, words: c.req.param(), fields });
  const word = c.req.header("Idempotency-Key");
  const value =
    route.answers === "Sent" && word !== undefined
      ? await sentOnce(c, options, { word, asked: hashOf(jsonText(fields)), isOne: isForOne(fields) }, run)
      : await run(relays.for(c));
  return jsonAnswer(c, value as object, (route.status ?? 200) as ContentfulStatusCode);
}

const MAX_RELAYS = 1000;

/** One Relay for each caller, kept between requests: it knows what it has just looked at. */
class CallerRelays {
  readonly #options: ApiOptions;
  readonly #kept = new BoundedMap<string, Relay>(MAX_RELAYS);

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  for(c: Context): Relay {
    const { caller, store } = this.#options.asked(c);
    const name = jsonText([caller.owner, caller.session, c.req.header("Agent-Relay-Agent")]);
    const known = this.#kept.get(name);
    if (known) return known;
    const relay = relayOf(c, this.#options, store);
    this.#kept.set(name, relay);
    return relay;
  }
}

function relayOf(c: Context, { asked, dir, now }: ApiOptions, store: Store): Relay {
  const agent = c.req.header("Agent-Relay-Agent") ?? "script";
  return new Relay(dir, { session: asked(c).caller.session, agent, store, now });
}

/**
 * Sends once for each Idempotency-Key (`word`), even if the server ends in between: a message's id is written down
 * before the message. Throws `conflict` if only some of several messages were sent.
 */
async function sentOnce(
  c: Context,
  options: ApiOptions,
  { word, asked: what, isOne }: { readonly word: string; readonly asked: string; readonly isOne: boolean },
  run: (relay: Relay) => Promise<unknown>,
): Promise<unknown> {
  const { asked, own, now } = options;
  const { caller, store } = asked(c);
  const key = `sends/${hashOf(jsonText([caller.owner, caller.session, word])).slice(0, 40)}`;
  const before = await own.get(key);
  if (before?.asked !== undefined && before.asked !== what) throw usedBefore();
  const messages = before ? await messagesOf(own, before) : [];
  if (before && messages.length > 0) {
    if (before.is_whole === true || isOne) return sentBefore(messages);
    const to = messages.map(({ to_session }) => to_session ?? "all").join(", ");
    throw new RelayError("conflict", `Cannot send that again: ${to} have it already, and the others do not`, {
      next: "send it to the others alone, with another Idempotency-Key",
    });
  }
  const ids: string[] = [];
  const publish = async (message: string, value: Value, delivery: Delivery) => {
    ids.push(message);
    await own.update(key, () => ({ at: now(), asked: what, ids: [...ids] }));
    return store.publish(message, value, delivery);
  };
  const sent = await run(relayOf(c, options, publishingBy(publish, store)));
  await own.update(key, () => ({ at: now(), asked: what, ids: [...ids], is_whole: true }));
  return sent;
}

/** Whether the request sends exactly one message: to one session, or to all. */
function isForOne(fields: Params): boolean {
  const [first = "all", second] = textsIn(fields, "to") ?? [];
  return second === undefined && first !== "human" && !first.startsWith("role:");
}

async function messagesOf(store: Store, { ids }: Value): Promise<Message[]> {
  const found: Message[] = [];
  for (const key of Array.isArray(ids) ? ids : []) {
    const message = await readMessage(store, String(key).replace(/^messages\//, ""));
    if (message) found.push(message);
  }
  return found;
}

function sentBefore(messages: readonly Message[]): Sent {
  const recipients = messages.flatMap(({ to_session }) => (to_session === null ? [] : [{ session_id: to_session }]));
  const [first] = messages;
  return { id: first?.id ?? "", ...(first?.batch !== undefined && { batch: first.batch }), messages, recipients };
}

const TOLD = 2000; // ids that a stream keeps before it looks which of them are still unread

/** The caller's unread messages, now and as they come, each once: after the `Last-Event-ID`, if the request has one. */
async function* events(
  c: Context,
  options: ApiOptions,
  relays: CallerRelays,
  signal: AbortSignal,
): AsyncGenerator<StreamEvent> {
  const { store, caller } = options.asked(c);
  const relay = relays.for(c);
  const last = c.req.header("Last-Event-ID") ?? "";
  const told = new Set<string>();
  let tidyAt = TOLD;
  if (((await relay.agents.find(caller.session))?.presence ?? "gone") === "gone") await relay.agents.register(); // else nobody reaches it
  yield { event: "open", data: jsonText({ session: caller.session }) };
  for await (const _ of store.watch(`inboxes/${caller.session}`, signal))
    for (const message of (await relay.messages.unread({ except: told })).messages) {
      told.add(message.id);
      if (!isSegment(last) || message.id > last) yield { event: "message", id: message.id, data: jsonText(message) };
      if (told.size > tidyAt) {
        const listed = new Set(await store.marks(`inboxes/${caller.session}`));
        for (const id of told) if (!listed.has(id)) told.delete(id);
        tidyAt = 2 * told.size + TOLD;
      }
    }
}
