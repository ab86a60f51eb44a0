import { randomInt } from "node:crypto";
import { RelayError } from "../../errors.ts";
import { newNonce } from "../../id.ts";
import { sleep } from "../../time.ts";
import type { Value } from "../store.ts";
import { fromWire } from "./wire.ts";

const MAX_TRIES = 5; // of one request
const MAX_TRY_MS = 10_000; // ms for one answer ...
const MAX_CALL_MS = 30_000; // ... and for all tries together
const RETRY_MS = 100; // ms, which doubles with each try: the first of a random time up to it
const MAX_RETRY_MS = 2000; // ms

/** Who asks, in the words of the server. */
export interface Credentials {
  /** The secret that lets us in. `isRefused` says that the one before was not, or is no longer, good. */
  secret(isRefused: boolean): Promise<string | undefined>;
}

export interface HttpRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Value;
  /** Statuses besides 200 and 201 that are an answer, and no error. */
  readonly also?: readonly number[];
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Value;
  readonly revision: string | undefined;
  /** It may have been done by a try before, whose answer was lost. */
  readonly isRepeated: boolean;
}

/** Asks a server, again and again where that is safe: each request that changes anything has a word of its own, by which the server knows it. */
export class HttpCaller {
  readonly base: string;
  readonly #now: () => number;
  readonly #credentials: Credentials | undefined;
  #session: string | undefined;
  #ahead = 0;

  constructor(base: string, now: () => number, credentials?: Credentials) {
    this.base = base.replace(/\/+$/, "");
    this.#now = now;
    this.#credentials = credentials;
  }

  /** Says for which session this asks. */
  actAs(session: string): void {
    this.#session = session;
  }

  /** How far the server's clock is ahead of ours, ms, as its last answer showed. */
  get clockAhead(): number {
    return this.#ahead;
  }

  async call(path: string, request: HttpRequest = {}): Promise<HttpAnswer> {
    const until = performance.now() + MAX_CALL_MS;
    const word = request.method === undefined ? undefined : newNonce();
    let isRepeated = false;
    for (let tried = 1; ; tried++) {
      const { response, error } = await this.#try(path, request, word, until);
      if (response && !isLater(response)) {
        const answer = await this.#read(response, request);
        if (answer instanceof RelayError) throw answer;
        return { ...answer, isRepeated };
      }
      if (tried === MAX_TRIES || performance.now() > until) {
        if (response) throw fromWire(response.status, await jsonOf(response));
        throw unreachable(this.base, request.method ?? "GET", error);
      }
      isRepeated = true;
      await pauseBefore(tried, response);
    }
  }

  /** Opens a stream. Throws what the server says of one that it does not open; undefined where it cannot be reached. */
  async open(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array> | undefined> {
    for (const isRefused of [false, true]) {
      const response = await this.#fetch(path, await this.#headers(isRefused), {}, signal).catch(() => undefined);
      if (response === undefined) return undefined;
      if (response.status === 401 && !isRefused) continue;
      if (response.ok) return response.body ?? undefined;
      if (isLater(response)) return undefined;
      throw fromWire(response.status, await jsonOf(response));
    }
    return undefined;
  }

  async #try(path: string, request: HttpRequest, word: string | undefined, until: number) {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), Math.min(MAX_TRY_MS, Math.max(1, until - performance.now())));
    try {
      for (const isRefused of [false, true]) {
        const headers = { ...(await this.#headers(isRefused)), ...(word !== undefined && { "Idempotency-Key": word }) };
        const response = await this.#fetch(path, headers, request, over.signal);
        if (response.status === 401 && !isRefused && this.#credentials) continue;
        return { response: await whole(response) };
      }
      throw new Error("a request was tried neither once nor twice");
    } catch (error) {
      if (error instanceof RelayError) throw error;
      return { error };
    } finally {
      clearTimeout(timer);
    }
  }

  async #headers(isRefused: boolean): Promise<Record<string, string>> {
    const secret = await this.#credentials?.secret(isRefused);
    return {
      ...(secret !== undefined && { Authorization: `Bearer ${secret}` }),
      ...(this.#session !== undefined && { "Agent-Relay-Session": this.#session }),
    };
  }

  async #fetch(path: string, headers: Record<string, string>, request: HttpRequest, signal: AbortSignal) {
    const { method = "GET", body } = request;
    const response = await fetch(`${this.base}/${path}`, {
      method,
      headers: { ...headers, ...request.headers, ...(body && { "Content-Type": "application/json" }) },
      redirect: "error", // a secret goes to no other address
      signal,
      ...(body && { body: JSON.stringify(body) }),
    });
    const time = Number(response.headers.get("agent-relay-time") ?? Number.NaN);
    if (Number.isFinite(time)) this.#ahead = time - this.#now();
    return response;
  }

  async #read(response: Response, { also = [] }: HttpRequest): Promise<Omit<HttpAnswer, "isRepeated"> | RelayError> {
    const { status } = response;
    const said = await jsonOf(response);
    if (!response.ok && !also.includes(status)) return fromWire(status, said);
    return { status, body: Object(said), revision: response.headers.get("etag") ?? undefined };
  }
}

/** Whether the same request may be answered in a while. */
function isLater(response: Response): boolean {
  return [502, 503, 504].includes(response.status) && !isOurs(response);
}

/** What our server says it means; what stands before it does so when ours is away. */
function isOurs(response: Response): boolean {
  return response.headers.has("agent-relay-time");
}

/** The response with its body read, so that a connection that breaks in between is a try that failed. */
async function whole(response: Response): Promise<Response> {
  const { status, headers } = response;
  const body = await response.arrayBuffer();
  return new Response([204, 304].includes(status) ? null : body, { status, headers });
}

function pauseBefore(tried: number, response: Response | undefined): Promise<void> {
  const most = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (tried - 1));
  const asked = Math.min(MAX_RETRY_MS, 1000 * Number(response?.headers.get("retry-after") ?? 0) || 0);
  return sleep(asked + randomInt(1, most));
}

function unreachable(base: string, method: string, cause: unknown): RelayError {
  const wasLate = cause instanceof Error && cause.name === "AbortError";
  const why = wasLate ? "it does not answer" : "it cannot be reached";
  const what = method === "GET" ? "" : "; whether it was done is not known";
  return new RelayError(wasLate ? "timed_out" : "failed", `Cannot use ${new URL(base).origin}: ${why}${what}`, {
    cause,
    next: "look whether agent-relay serve runs there",
  });
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // an answer of something else, which the status tells of
    throw error;
  }
}
