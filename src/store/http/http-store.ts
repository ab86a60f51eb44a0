import { randomInt } from "node:crypto";
import { RelayError } from "../../errors.ts";
import { jsonText } from "../../text.ts";
import { sleep } from "../../time.ts";
import { checkKey } from "../key.ts";
import type { Delivery, Hint, ListRange, RegistrationFolder, Store, Value, WriteOptions } from "../store.ts";
import { type Credentials, HttpCaller } from "./caller.ts";
import { EventNames } from "./event-names.ts";
import { CHANGED, queryOf } from "./wire.ts";

const PAGE = 500; // records in one answer
const MAX_TRIES = 50; // of an update whose record others change at the same time
const RETRY_MS = 10; // which grows with each try
const REOPEN_MS = 1000; // until a stream that broke is opened again, at first ...
const MAX_REOPEN_MS = 30_000; // ... and at last
const MAX_SILENCE_MS = 40_000; // ms without a byte on a stream; the server sends a sign of life every 15 s

/** A store of a relay that a server keeps, with the same keys. `url` is like `http://host:4800/name`. */
export class HttpStore implements Store {
  readonly isServed = true;
  readonly #caller: HttpCaller;
  readonly #over = new AbortController();

  constructor(url: string, { now, credentials }: { now: () => number; credentials?: Credentials }) {
    this.#caller = new HttpCaller(`${url.replace(/\/+$/, "")}/v1`, now, credentials);
  }

  /** Sets the session that the requests are for. */
  actAs(session: string): void {
    this.#caller.actAs(session);
  }

  /** How far the server's clock is ahead of ours, ms. */
  get clockAhead(): number {
    return this.#caller.clockAhead;
  }

  async get(key: string): Promise<Value | undefined> {
    return (await this.#seen(key)).value;
  }

  list(folder: string, range?: ListRange): Promise<string[]> {
    return this.#names("records", folder, range);
  }

  async records(folder: RegistrationFolder): Promise<ReadonlyMap<string, Value>> {
    const found = new Map<string, Value>();
    for (let after: string | undefined; ; ) {
      const page = queryOf({ limit: PAGE, ...(after !== undefined && { after }) });
      const { records } = (await this.#call(`records/${folder}/${page}&with=records`)).body;
      const given = Object.entries(recordIn({ value: records }));
      for (const [name, value] of given) if (value !== null) found.set(name, recordIn({ value }));
      if (given.length === 0) return found;
      after = given.at(-1)?.[0];
    }
  }

  async markTimes(folder: RegistrationFolder): Promise<ReadonlyMap<string, number>> {
    const { times } = (await this.#call(`marks/${folder}/?with=times`)).body;
    return new Map(Object.entries(recordIn({ value: times })).map(([name, at]) => [name, Number(at)]));
  }

  async create(key: string, value: Value, options?: WriteOptions): Promise<boolean> {
    const path = `records/${checkKey(key)}${queryFor(options)}`;
    const headers = { "If-None-Match": "*" };
    const answer = await this.#call(path, { method: "PUT", headers, body: { value }, also: [CHANGED] });
    if (answer.status !== CHANGED) return true;
    return answer.isRepeated && isSame((await this.#seen(key)).value, value); // an answer was lost: maybe our record
  }

  async update(key: string, change: (old: Value | undefined) => Value | undefined, options?: WriteOptions) {
    for (let tried = 0; tried < MAX_TRIES; tried++) {
      const { value, revision } = await this.#seen(key);
      const next = change(value);
      if (next === value) return next;
      const headers = { "If-Match": revision ?? "none" };
      const path = `records/${key}${queryFor(options)}`;
      const request = next === undefined ? { method: "DELETE" } : { method: "PUT", body: { value: next } };
      const answer = await this.#call(path, { ...request, headers, also: [CHANGED] });
      if (answer.status !== CHANGED) return next;
      if (answer.isRepeated && isSame((await this.#seen(key)).value, next)) return next;
      await sleep(randomInt(RETRY_MS * (tried + 1)));
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

  marks(folder: string, range?: ListRange): Promise<string[]> {
    return this.#names("marks", folder, range);
  }

  async append(key: string, line: Value): Promise<void> {
    await this.#call(`logs/${checkKey(key)}`, { method: "POST", body: { line } });
  }

  async *lines(key: string, first = 0): AsyncGenerator<Value | undefined> {
    for (let after: unknown = first; typeof after === "number"; ) {
      const { lines, next } = (await this.#call(`logs/${checkKey(key)}?after=${after}`)).body;
      if (Array.isArray(lines)) for (const line of lines) yield line ?? undefined;
      after = next;
    }
  }

  logs(folder: string): Promise<string[]> {
    return this.#names("logs", folder);
  }

  async removeLog(key: string): Promise<void> {
    await this.#call(`logs/${checkKey(key)}`, { method: "DELETE" });
  }

  /** Yields at once, at each change, and at each reopening of the stream: a change may have come meanwhile. */
  async *watch(folder: string, signal: AbortSignal): AsyncGenerator<Hint> {
    checkKey(folder);
    const over = new AbortController();
    const end = () => over.abort();
    for (const each of [signal, this.#over.signal]) {
      if (each.aborted) end();
      each.addEventListener("abort", end, { once: true });
    }
    try {
      for (let broken = 0; !over.signal.aborted; broken++) {
        yield "changed";
        for await (const hint of this.#events(folder, over.signal)) {
          broken = 0;
          yield hint;
        }
        const most = Math.min(MAX_REOPEN_MS, REOPEN_MS * 2 ** broken);
        if (!over.signal.aborted) await sleep(randomInt(most / 2, most), over.signal);
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

  /** The owner that the server knows us as: `<user>/<machine>`; undefined for the person who runs it. */
  async owner(): Promise<string | undefined> {
    const { owner } = (await this.#call("me")).body;
    return typeof owner === "string" ? owner : undefined;
  }

  async unreadIn(session: string): Promise<number> {
    const { unread } = (await this.#call(`unread/${checkKey(session)}`)).body;
    if (typeof unread === "number") return unread;
    throw new RelayError("failed", "Cannot read the server's answer: there is no number in it");
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

  async #names(what: string, folder: string, range?: ListRange): Promise<string[]> {
    return textsIn((await this.#call(`${what}/${checkKey(folder)}/${queryOf(range)}`)).body.names);
  }

  /** A hint for what comes at once and tells of a change, until the stream ends or is silent for too long. */
  async *#events(folder: string, signal: AbortSignal): AsyncGenerator<Hint> {
    const body = await this.#caller.open(`changes/${folder}`, signal);
    const reader = body?.getReader();
    let timer: NodeJS.Timeout | undefined;
    const next = () => {
      clearTimeout(timer);
      timer = setTimeout(() => reader?.cancel().catch(() => {}), MAX_SILENCE_MS);
      return reader?.read().catch(() => undefined); // a broken stream counts as ended
    };
    try {
      const events = new EventNames();
      for (let part = await next(); part && !part.done; part = await next()) {
        const names = events.in(part.value);
        if (names.includes("change")) yield "changed";
        else if (names.includes("perhaps")) yield "perhaps";
      }
    } finally {
      clearTimeout(timer);
      await reader?.cancel().catch(() => {}); // it may be gone already
    }
  }

  #call(...args: Parameters<HttpCaller["call"]>) {
    return this.#caller.call(...args);
  }
}

/** Whether the server's record holds all that was sent. The server may have added fields. */
function isSame(found: Value | undefined, sent: Value | undefined): boolean {
  if (found === undefined || sent === undefined) return found === sent;
  return Object.entries(sent).every(([name, value]) => jsonText(found[name]) === jsonText(value));
}

function recordIn({ value }: Value): Value {
  if (typeof value === "object" && value !== null) return value as Value;
  throw new RelayError("failed", "Cannot read the server's answer: there is no record in it");
}

function textsIn(names: unknown): string[] {
  if (Array.isArray(names)) return names.map(String);
  throw new RelayError("failed", "Cannot read the server's answer: there are no names in it");
}

function queryFor({ lasting = true }: WriteOptions = {}): string {
  return lasting ? "" : "?lasting=no";
}
