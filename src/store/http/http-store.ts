import { randomInt } from "node:crypto";
import { isAway, RelayError } from "../../errors.ts";
import { Lifetime } from "../../lifetime.ts";
import { list, moment, object, text } from "../../schema.ts";
import { jsonText } from "../../text.ts";
import { sleep } from "../../time.ts";
import { checkKey } from "../key.ts";
import type {
  Delivery,
  Hint,
  ListRange,
  Notice,
  RegistrationFolder,
  SetAside,
  Store,
  StoreServer,
  Value,
  WriteOptions,
} from "../store.ts";
import { type CallerOptions, HttpCaller, PATIENCE } from "./caller.ts";
import { EventNames } from "./event-names.ts";
import { CHANGED, queryOf } from "./wire.ts";

const ASIDE = list(object({ name: text(), key: text(), reason: text(), at: moment(), file: text(), head: text() }));

const PAGE = 500; // records in one answer
const MAX_TRIES = 50; // of an update whose record others change at the same time
const RETRY_MS = 10; // which grows with each try
const REOPEN_MS = 1000; // until a stream that broke is opened again, at first; it doubles with each try
const MAX_SILENCE_MS = 40_000; // ms without a byte on a stream; the server sends a sign of life every 15 s

export interface HttpStoreOptions extends CallerOptions {
  /** Told when the server of a stream cannot be reached any more, and when it can be again. */
  readonly onNotice?: ((notice: Notice) => void) | undefined;
}

/** A store of a relay that a server keeps, with the same keys. `url` is like `http://host:4800/name`. */
export class HttpStore implements Store {
  readonly served: StoreServer = {
    owner: () => this.#owner(),
    unreadIn: (session) => this.#unreadIn(session),
    unreadInEach: () => this.#unreadInEach(),
  };
  readonly #caller: HttpCaller;
  readonly #watches = new Lifetime();
  readonly #told = new Set<string>();
  readonly #onNotice: (notice: Notice) => void;
  readonly #longestPause: number;
  #isAway = false;

  constructor(url: string, { onNotice = () => {}, ...options }: HttpStoreOptions) {
    this.#caller = new HttpCaller(`${url.replace(/\/+$/, "")}/v1`, options);
    this.#onNotice = onNotice;
    this.#longestPause = (options.patience ?? PATIENCE).reopen;
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
      const page = queryOf({ limit: PAGE, after });
      const { records } = (await this.#call(`records/${folder}/${page}&with=records`)).body;
      const given = Object.entries(recordIn({ value: records }));
      for (const [name, value] of given)
        if (value !== null) found.set(name, recordIn({ value }));
        else this.#tellOnce(`the server cannot read ${folder}/${name}; it was passed over`);
      if (given.length === 0) return found;
      after = given.at(-1)?.[0];
    }
  }

  async setAside(): Promise<readonly SetAside[]> {
    const { body } = await this.#call("aside", { also: [404] }); // an older server tells nothing of it
    return ASIDE.parse(body.records ?? [], "what was set aside");
  }

  passedOver({ message }: RelayError): void {
    this.#tellOnce(`${message}; it was passed over, and stays as it is`);
  }

  #tellOnce(text: string): void {
    if (this.#told.has(text)) return;
    this.#told.add(text);
    this.#onNotice({ key: "", text });
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
  watch(folder: string, signal: AbortSignal): AsyncGenerator<Hint, void, void> {
    return this.#watches.stream(signal, (end) => this.#hints(checkKey(folder), end));
  }

  async *#hints(folder: string, signal: AbortSignal): AsyncGenerator<Hint, void, void> {
    for (let broken = 0; !signal.aborted; broken++) {
      yield "changed";
      for await (const hint of this.#events(folder, signal)) {
        broken = 0;
        yield hint;
      }
      const most = Math.min(this.#longestPause, REOPEN_MS * 2 ** broken);
      if (!signal.aborted) await sleep(randomInt(most / 2, most), signal);
    }
  }

  async quarantine(key: string, reason: string): Promise<void> {
    await this.#call(`quarantined/${checkKey(key)}`, { method: "POST", body: { reason } });
  }

  async isDraft(key: string): Promise<boolean> {
    return (await this.#call(`drafts/${checkKey(key)}`)).body.is_draft === true;
  }

  async #owner(): Promise<string | undefined> {
    const { owner } = (await this.#call("me")).body;
    return typeof owner === "string" ? owner : undefined;
  }

  async #unreadIn(session: string): Promise<number> {
    const { unread } = (await this.#call(`unread/${checkKey(session)}`)).body;
    if (typeof unread === "number") return unread;
    throw new RelayError("failed", "Cannot read the server's answer: there is no number in it");
  }

  async #unreadInEach(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (let after: string | undefined; ; ) {
      const { unread } = (await this.#call(`unread/${queryOf({ limit: PAGE, after })}`, { also: [404] })).body;
      const counts = Object.entries(Object(unread)); // an older server counts for one alone
      if (counts.length === 0) return found;
      for (const [session, count] of counts) found.set(session, Number(count));
      after = counts.at(-1)?.[0];
    }
  }

  /** The server does that of its own accord. */
  async sweep(): Promise<number> {
    return 0;
  }

  /** The server does that of its own accord. */
  async prune(): Promise<number> {
    return 0;
  }

  close(): Promise<void> {
    return this.#watches.close();
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
    const stream = await this.#caller.open(`changes/${folder}`, signal);
    if (!signal.aborted) this.#noteReach(stream !== undefined);
    if (!stream) return;
    const cancel = () => void stream.destroy();
    signal.addEventListener("abort", cancel, { once: true }); // a reader of ours that has gone asks for no next part
    if (signal.aborted) cancel();
    try {
      const events = new EventNames();
      const parts = stream[Symbol.asyncIterator]();
      const next = () => nextPart(parts, cancel);
      for (let part = await next(); part && !part.done; part = await next()) {
        const names = events.in(part.value);
        if (names.includes("change")) yield "changed";
        else if (names.includes("perhaps")) yield "perhaps";
      }
    } finally {
      signal.removeEventListener("abort", cancel);
      cancel();
    }
  }

  /** Tells of the server's going and coming while something runs that outlives it. */
  #noteReach(isReached: boolean): void {
    if (this.#isAway === !isReached || !this.#watches.isBusy) return;
    this.#isAway = !isReached;
    const { origin } = new URL(this.#caller.base);
    this.#onNotice({
      key: "",
      text: isReached ? `${origin} can be reached again` : `${origin} cannot be reached now: waits until it can`,
    });
  }

  async #call(...args: Parameters<HttpCaller["call"]>) {
    try {
      const answer = await this.#caller.call(...args);
      this.#noteReach(true);
      return answer;
    } catch (error) {
      if (isAway(error)) this.#noteReach(false);
      throw error;
    }
  }
}

/** The next bytes of a stream; undefined if it broke, or was silent for too long: then it is cancelled. */
async function nextPart(parts: AsyncIterator<Uint8Array>, cancel: () => void) {
  const timer = setTimeout(cancel, MAX_SILENCE_MS);
  try {
    return await parts.next();
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
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
