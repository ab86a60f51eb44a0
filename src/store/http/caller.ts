import { randomInt } from "node:crypto";
import { errno, RelayError } from "../../errors.ts";
import { newNonce } from "../../id.ts";
import { jsonText } from "../../text.ts";
import { sleep, steady } from "../../time.ts";
import type { Value } from "../store.ts";
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
        const answer = await this.#read(response, request);
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
  async open(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array> | undefined> {
    for (const isRefused of [false, true]) {
      const response = await this.#opened(path, isRefused, signal);
      if (response === undefined) return undefined;
      if (response.status === 401 && !isRefused) continue;
      if (response.ok) return response.body ?? undefined;
      if (isLater(response)) return undefined;
      throw fromWire(response.status, await jsonOf(response));
    }
    return undefined;
  }

  /** The answer to a request for a stream; undefined if none came in time. */
  async #opened(path: string, isRefused: boolean, signal: AbortSignal): Promise<Response | undefined> {
    const over = new AbortController();
    const end = () => over.abort();
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    const timer = setTimeout(end, this.#patience.once);
    try {
      return await this.#fetch(path, await this.#headers(isRefused), {}, over.signal);
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
        const response = await this.#fetch(path, headers, request, over.signal);
        if (response.status === 401 && !isRefused && this.#credentials) continue;
        return { response: await whole(response, over.signal) };
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
      ...(body && { body: jsonText(body) }),
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

/** Whether a later try of the same request may be answered. */
function isLater(response: Response): boolean {
  return [502, 503, 504].includes(response.status) && !isOurs(response);
}

/** Whether our server answered, and not a proxy before it, which answers 502 to 504 while ours is away. */
function isOurs(response: Response): boolean {
  return response.headers.has("agent-relay-time");
}

/**
 * The response with its body read: a connection that breaks within the body is then a failed try. The signal that fetch
 * was given does not reach a body whose request was garbage-collected (seen with Node 20), so it is heeded here.
 */
async function whole(response: Response, signal: AbortSignal): Promise<Response> {
  const { status, headers } = response;
  const reader = response.body?.getReader();
  const cancel = () => void reader?.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  if (signal.aborted) cancel();
  const parts: Uint8Array[] = [];
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) parts.push(part.value);
  signal.throwIfAborted();
  return new Response([204, 304].includes(status) ? null : Buffer.concat(parts), { status, headers });
}

function pauseBefore(tried: number, response: Response | undefined): Promise<void> {
  const most = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (tried - 1));
  const asked = Math.min(MAX_RETRY_MS, 1000 * Number(response?.headers.get("retry-after") ?? 0) || 0);
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
  const why = wasLate ? "it does not answer" : "it cannot be reached";
  const what = method === "GET" ? "" : "; whether it was done is not known";
  return new RelayError(wasLate ? "timed_out" : "failed", `Cannot use ${new URL(base).origin}: ${why}${what}`, {
    ...{ cause, isAway: true },
    next: "look whether agent-relay serve runs there",
  });
}

function awayBehindProxy(base: string, { status }: Response): RelayError {
  return new RelayError("failed", `Cannot use ${new URL(base).origin}: what is before it says ${status}`, {
    isAway: true,
    next: "look whether agent-relay serve runs there",
  });
}

async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // not our server's answer: the status tells
    throw error;
  }
}
