import { randomInt } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { errno, RelayError } from "../../errors.ts";
import { newNonce } from "../../id.ts";
import { jsonText } from "../../text.ts";
import { sleep, steady } from "../../time.ts";
import type { Value } from "../store.ts";
import { exchange, type WholeAnswer, whole } from "./exchange.ts";
import { fromWire } from "./wire.ts";

const MAX_TRIES = 5; // of one request
const RETRY_MS = 100; // the longest first pause. It doubles with each try, and the pause is a random part of it
const MAX_RETRY_MS = 2000;

/** How long a client waits for a server, ms. */
export interface CallPatience {
  /** For one answer, and for a stream to be open. */
  readonly once: number;
  /** For all tries of one request together. */
  readonly inAll: number;
  /** At most, until a stream that broke is opened again: a try costs a server that is away nothing. */
  readonly reopen: number;
}
export const PATIENCE: CallPatience = { once: 10_000, inAll: 30_000, reopen: 5000 };

export interface CallerOptions {
  readonly now: () => number;
  readonly credentials?: Credentials | undefined;
  readonly patience?: CallPatience | undefined;
}

/** How a client proves to the server who it is. */
export interface Credentials {
  /** The secret that lets us in. `isRefused`: the server has just refused the last one. */
  secret(isRefused: boolean): Promise<string | undefined>;
}

export interface HttpRequest {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Value | undefined;
  /** Statuses besides 2xx that are an answer and no error. */
  readonly also?: readonly number[] | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: Value;
  readonly revision: string | undefined;
  /** An earlier try, whose answer was lost, may have done the request. */
  readonly isRepeated: boolean;
}

/** Asks a server, and retries. Each request that changes something has an idempotency key, so a retry is safe. */
export class HttpCaller {
  readonly base: string;
  readonly #now: () => number;
  readonly #credentials: Credentials | undefined;
  readonly #patience: CallPatience;
  #session: string | undefined;
  #ahead = 0;

  constructor(base: string, { now, credentials, patience = PATIENCE }: CallerOptions) {
    this.base = base.replace(/\/+$/, "");
    this.#now = now;
    this.#credentials = credentials;
    this.#patience = patience;
  }

  /** Sets the session that the requests are for. */
  actAs(session: string): void {
    this.#session = session;
  }

  /** How far the server's clock was ahead of ours at its last answer, ms. */
  get clockAhead(): number {
    return this.#ahead;
  }

  async call(path: string, request: HttpRequest = {}): Promise<HttpAnswer> {
    const until = steady() + this.#patience.inAll;
    const word = request.method === undefined ? undefined : newNonce();
    let isRepeated = false;
    for (let tried = 1; ; tried++) {
      const { response, error } = await this.#try(path, request, word, until);
      if (response && !isLater(response)) {
        const answer = this.#read(response, request);
        if (answer instanceof RelayError) throw answer;
        return { ...answer, isRepeated };
      }
      if (tried === MAX_TRIES || steady() > until) {
        if (response) throw awayBehindProxy(this.base, response);
        throw unreachable(this.base, request.method ?? "GET", error);
      }
      isRepeated = true;
      await pauseBefore(tried, response);
    }
  }

  /** Opens a stream. Undefined if the server cannot be reached now. Throws the server's error if it refuses. */
  async open(path: string, signal: AbortSignal): Promise<IncomingMessage | undefined> {
    for (const isRefused of [false, true]) {
      const stream = await this.#opened(path, isRefused, signal);
      if (stream === undefined || isGood(stream.statusCode)) return stream;
      const response = await whole(stream, signal);
      if (response.status === 401 && !isRefused) continue;
      if (isLater(response)) return undefined;
      throw fromWire(response.status, jsonIn(response));
    }
    return undefined;
  }

  /** The answer to a request for a stream; undefined if none came in time. */
  async #opened(path: string, isRefused: boolean, signal: AbortSignal): Promise<IncomingMessage | undefined> {
    const over = new AbortController();
    const end = () => over.abort();
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    const timer = setTimeout(end, this.#patience.once);
    try {
      return await this.#ask(path, await this.#headers(isRefused), {}, over.signal);
    } catch (error) {
      if (error instanceof RelayError && !error.isAway) throw error; // such as of a login that is over
      return undefined;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
  }

  async #try(path: string, request: HttpRequest, word: string | undefined, until: number) {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), Math.min(this.#patience.once, Math.max(1, until - steady())));
    try {
      for (const isRefused of [false, true]) {
        const headers = { ...(await this.#headers(isRefused)), ...(word !== undefined && { "Idempotency-Key": word }) };
        const response = await whole(await this.#ask(path, headers, request, over.signal), over.signal);
        if (response.status === 401 && !isRefused && this.#credentials) continue;
        return { response };
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

  async #ask(path: string, headers: Record<string, string>, request: HttpRequest, signal: AbortSignal) {
    const { method = "GET", body } = request;
    const all = { ...headers, ...request.headers, ...(body && { "Content-Type": "application/json" }) };
    const url = new URL(`${this.base}/${path}`);
    const response = await exchange(url, { method, headers: all, body: body && jsonText(body) }, signal);
    const time = Number(response.headers["agent-relay-time"] ?? Number.NaN);
    if (Number.isFinite(time)) this.#ahead = time - this.#now();
    return response;
  }

  #read(response: WholeAnswer, { also = [] }: HttpRequest): Omit<HttpAnswer, "isRepeated"> | RelayError {
    const { status, headers } = response;
    const said = jsonIn(response);
    if (!isGood(status) && !also.includes(status)) return fromWire(status, said);
    return { status, body: Object(said), revision: headers.etag };
  }
}

function isGood(status = 0): boolean {
  return status >= 200 && status < 300;
}

/** Whether a later try of the same request may be answered. */
function isLater(response: WholeAnswer): boolean {
  return [502, 503, 504].includes(response.status) && !isOurs(response);
}

/** Whether our server answered, and not a proxy before it, which answers 502 to 504 while ours is away. */
function isOurs({ headers }: WholeAnswer): boolean {
  return headers["agent-relay-time"] !== undefined;
}

function pauseBefore(tried: number, response: WholeAnswer | undefined): Promise<void> {
  const most = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (tried - 1));
  const asked = Math.min(MAX_RETRY_MS, 1000 * Number(response?.headers["retry-after"] ?? 0) || 0);
  return sleep(asked + randomInt(1, most));
}

/** The code by which TLS has refused a certificate; undefined for any other failure. */
function certificateFault(error: unknown): string | undefined {
  const code = error instanceof Error ? (errno(error) ?? errno(error.cause)) : undefined;
  return code !== undefined && /CERT|SIGNATURE|ALTNAME|ISSUER/.test(code) ? code : undefined;
}

function unreachable(base: string, method: string, cause: unknown): RelayError {
  const certificate = certificateFault(cause);
  if (certificate !== undefined)
    return new RelayError(
      "refused",
      `Cannot use ${new URL(base).origin}: its certificate is not trusted here (${certificate})`,
      {
        cause,
        next: "if it is the server's own: NODE_EXTRA_CA_CERTS=<its certificate, as PEM> agent-relay ...",
      },
    );
  const wasLate = cause instanceof Error && cause.name === "AbortError";
  const isNobody = ["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH"].includes(errno(cause) ?? "");
  const why = wasLate ? "it does not answer" : isNobody ? "nobody listens there" : "it cannot be reached";
  const what = method === "GET" || isNobody ? "" : "; whether it was done is not known";
  return new RelayError(wasLate ? "timed_out" : "failed", `Cannot use ${new URL(base).origin}: ${why}${what}`, {
    ...{ cause, isAway: true },
    next: "look whether agent-relay serve runs there",
  });
}

function awayBehindProxy(base: string, { status }: WholeAnswer): RelayError {
  return new RelayError("failed", `Cannot use ${new URL(base).origin}: what is before it says ${status}`, {
    isAway: true,
    next: "look whether agent-relay serve runs there",
  });
}

function jsonIn({ text }: WholeAnswer): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // not our server's answer: the status tells
    throw error;
  }
}
