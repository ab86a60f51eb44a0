import { randomInt } from "node:crypto";
import { RelayError } from "../../errors.ts";
import { checkKey } from "../key.ts";
import type { Delivery, Range, Store, Value, Worth } from "../store.ts";
import { CHANGED, fromWire, queryOf } from "./wire.ts";

const LIMIT = 30_000; // ms for one answer
const TRIES = 50; // of an update whose record others change at the same time
const PAUSE = 10; // ms, which grows with each try
const AGAIN = 1000; // ms until a stream that broke is opened again

interface Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Value;
  /** Statuses besides 200 and 201 that are an answer, and no error. */
  readonly also?: readonly number[];
}

interface Answer {
  readonly status: number;
  readonly body: Value;
  readonly revision: string | undefined;
}

/** The records of a relay that is served elsewhere, by the same keys. `base` is its address, as in `http://host:4800/v1/name`. */
export class HttpStore implements Store {
  readonly #base: string;
  readonly #over = new AbortController();

  constructor(base: string) {
    this.#base = base.replace(/\/+$/, "");
  }

  async get(key: string): Promise<Value | undefined> {
    return (await this.#seen(key)).value;
  }

  list(folder: string, range?: Range): Promise<string[]> {
    return this.#names("records", folder, range);
  }

  async create(key: string, value: Value, worth?: Worth): Promise<boolean> {
    const path = `records/${checkKey(key)}${queryFor(worth)}`;
    const headers = { "If-None-Match": "*" };
    const { status } = await this.#call(path, { method: "PUT", headers, body: { value }, also: [CHANGED] });
    return status !== CHANGED;
  }

  async update(key: string, change: (old: Value | undefined) => Value | undefined, worth?: Worth) {
    for (let tried = 0; tried < TRIES; tried++) {
      const { value, revision } = await this.#seen(key);
      const next = change(value);
      if (next === value) return next;
      const headers = { "If-Match": revision ?? "none" };
      const path = `records/${key}${queryFor(worth)}`;
      const request = next === undefined ? { method: "DELETE" } : { method: "PUT", body: { value: next } };
      const { status } = await this.#call(path, { ...request, headers, also: [CHANGED] });
      if (status !== CHANGED) return next;
      await new Promise((resolve) => setTimeout(resolve, randomInt(PAUSE * (tried + 1))));
    }
    throw new RelayError("conflict", `Cannot change "${key}": others change it all the time`, { next: "try again" });
  }

  async publish(key: string, value: Value, delivery: Delivery): Promise<string[]> {
    const { isNew: _, ...given } = delivery;
    const request = { method: "POST", body: { value, delivery: given } };
    return textsIn((await this.#call(`published/${checkKey(key)}`, request)).body.inboxes);
  }

  async mark(key: string, at?: number): Promise<void> {
    await this.#call(`marks/${checkKey(key)}`, { method: "PUT", body: at === undefined ? {} : { at } });
  }

  async markedAt(key: string): Promise<number | undefined> {
    const { body } = await this.#call(`marks/${checkKey(key)}`, { also: [404] });
    return typeof body.at === "number" ? body.at : undefined;
  }

  async unmark(key: string): Promise<boolean> {
    return (await this.#call(`marks/${checkKey(key)}`, { method: "DELETE" })).body.removed === true;
  }

  marks(folder: string, range?: Range): Promise<string[]> {
    return this.#names("marks", folder, range);
  }

  async append(key: string, line: Value): Promise<void> {
    await this.#call(`logs/${checkKey(key)}`, { method: "POST", body: { line } });
  }

  async *lines(key: string): AsyncGenerator<Value | undefined> {
    const { lines } = (await this.#call(`logs/${checkKey(key)}`)).body;
    if (Array.isArray(lines)) for (const line of lines) yield line ?? undefined;
  }

  logs(folder: string): Promise<string[]> {
    return this.#names("logs", folder);
  }

  async removeLog(key: string): Promise<void> {
    await this.#call(`logs/${checkKey(key)}`, { method: "DELETE" });
  }

  /** Yields at once, at each change, and whenever the stream had to be opened again: what came meanwhile may have changed it. */
  async *watch(folder: string, signal: AbortSignal): AsyncGenerator<void> {
    checkKey(folder);
    const over = new AbortController();
    const end = () => over.abort();
    for (const each of [signal, this.#over.signal]) {
      if (each.aborted) end();
      each.addEventListener("abort", end, { once: true });
    }
    try {
      while (!over.signal.aborted) {
        yield;
        for await (const _ of this.#events(folder, over.signal)) yield;
        if (!over.signal.aborted) await pause(AGAIN, over.signal);
      }
    } finally {
      end();
      for (const each of [signal, this.#over.signal]) each.removeEventListener("abort", end);
    }
  }

  async quarantine(key: string, reason: string): Promise<void> {
    await this.#call(`quarantined/${checkKey(key)}`, { method: "POST", body: { reason } });
  }

  async isDraft(key: string): Promise<boolean> {
    return (await this.#call(`drafts/${checkKey(key)}`)).body.is_draft === true;
  }

  /** The server does that of its own accord. */
  async sweep(): Promise<number> {
    return 0;
  }

  /** The server does that of its own accord. */
  async prune(): Promise<number> {
    return 0;
  }

  async close(): Promise<void> {
    this.#over.abort();
  }

  async #seen(key: string): Promise<{ readonly value: Value | undefined; readonly revision: string | undefined }> {
    const { status, body, revision } = await this.#call(`records/${checkKey(key)}`, { also: [404] });
    return status === 404 ? { value: undefined, revision: undefined } : { value: recordIn(body), revision };
  }

  async #names(what: string, folder: string, range?: Range): Promise<string[]> {
    return textsIn((await this.#call(`${what}/${checkKey(folder)}/${queryOf(range)}`)).body.names);
  }

  /** One event for each change, until the stream ends. */
  async *#events(folder: string, signal: AbortSignal): AsyncGenerator<void> {
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    try {
      const response = await fetch(`${this.#base}/changes/${folder}`, { signal });
      if (!response.ok) throw fromWire(response.status, await jsonOf(response));
      reader = response.body?.getReader();
      for (let next = await reader?.read(); next && !next.done; next = await reader?.read())
        if (new TextDecoder().decode(next.value).includes("event: change")) yield;
    } catch (error) {
      if (error instanceof RelayError) throw error; // a stream that only broke is opened again
    } finally {
      await reader?.cancel().catch(() => {}); // it may be gone already
    }
  }

  async #call(path: string, { method = "GET", headers, body, also = [] }: Request = {}): Promise<Answer> {
    const over = new AbortController();
    const timer = setTimeout(() => over.abort(), LIMIT);
    try {
      const response = await fetch(`${this.#base}/${path}`, {
        method,
        headers: { ...headers, ...(body && { "Content-Type": "application/json" }) },
        signal: over.signal,
        ...(body && { body: JSON.stringify(body) }),
      });
      const { status } = response;
      const said = await jsonOf(response);
      if (!response.ok && !also.includes(status)) throw fromWire(status, said);
      return { status, body: Object(said), revision: response.headers.get("etag") ?? undefined };
    } catch (error) {
      if (error instanceof RelayError) throw error;
      throw unreachable(this.#base, method, over.signal.aborted, error);
    } finally {
      clearTimeout(timer);
    }
  }
}

function unreachable(base: string, method: string, wasLate: boolean, cause: unknown): RelayError {
  const why = wasLate ? `it did not answer within ${LIMIT / 1000} s` : "it cannot be reached";
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

function recordIn({ value }: Value): Value {
  if (typeof value === "object" && value !== null) return value as Value;
  throw new RelayError("failed", "Cannot read the server's answer: there is no record in it");
}

function textsIn(names: unknown): string[] {
  if (Array.isArray(names)) return names.map(String);
  throw new RelayError("failed", "Cannot read the server's answer: there are no names in it");
}

function queryFor({ lasting = true }: Worth = {}): string {
  return lasting ? "" : "?lasting=no";
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
