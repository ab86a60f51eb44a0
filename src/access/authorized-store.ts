import { LIMITS } from "../context.ts";
import { RelayError } from "../errors.ts";
import { MAX_USER_CONDITIONS, MAX_USER_SESSIONS, MAX_USER_WAITS } from "../limits.ts";
import { senderOfBroken } from "../messages/broken.ts";
import { eachReadable } from "../store/read.ts";
import {
  type Delivery,
  folderOf,
  type Hint,
  inRange,
  type ListRange,
  nameOf,
  type SetAside,
  type Store,
  type StoreServer,
  type Value,
  type WriteOptions,
} from "../store/store.ts";
import { Wait } from "../waits/wait.ts";
import { isWatched, markRuleFor } from "./marks.ts";
import { checkedMessage, isSameMessage, messageRule, ownOf, type Sizes } from "./messages.ts";
import { type AccessFacts, type Caller, checkTimes, isSame, refused, registrationsOf, userOf } from "./policy.ts";
import { checkLine, hiddenIn, isListed, isLogFolder, ruleFor } from "./records.ts";
import { reservedBy, usersIn } from "./reserved.ts";

const MAX_TRIES = 20; // of a change whose record others write at the same time

export interface AuthorizedOptions {
  readonly now: () => number;
  readonly sizes?: Sizes | undefined;
  /** Which of these message ids the session may read. Without it, each message is read. */
  readonly readable?: ((session: string, ids: readonly string[]) => Promise<readonly string[]>) | undefined;
  /** Takes a message from the allowance of the caller's user. Returns 0, or in how many ms there will be one. */
  readonly take?: (() => number) | undefined;
  /** How many messages wait unread for a session. */
  readonly unreadIn?: ((session: string) => Promise<number>) | undefined;
}

/** A store as one caller may use it: what it may not read looks absent, and writes it may not make are refused. */
export class AuthorizedStore implements Store {
  readonly served: StoreServer;
  readonly isFromElsewhere: boolean;
  readonly #store: Store;
  readonly #caller: Caller;
  readonly #now: () => number;
  readonly #sizes: Sizes;
  readonly #readable: NonNullable<AuthorizedOptions["readable"]>;
  readonly #take: () => number;

  constructor(store: Store, caller: Caller, { now, sizes, readable, take, unreadIn }: AuthorizedOptions) {
    this.#take = take ?? (() => 0);
    this.served = { unreadIn };
    this.#store = store;
    this.#caller = caller;
    this.isFromElsewhere = caller.owner !== undefined;
    this.#now = now;
    this.#sizes = sizes ?? { bodyBytes: LIMITS.bodyBytes, recordBytes: 2 * LIMITS.bodyBytes };
    this.#readable = readable ?? ((_, ids) => this.#each(ids));
  }

  async get(key: string): Promise<Value | undefined> {
    const value = await this.#store.get(key);
    return value !== undefined && this.#mayRead(key, value) ? this.#shown(key, value) : undefined;
  }

  async list(folder: string, range?: ListRange): Promise<string[]> {
    if (this.#isOperator) return this.#store.list(folder, range);
    if (!isListed(folder)) return [];
    const { limit, ...rest } = range ?? {};
    if (folder !== "messages") return this.#store.list(folder, range);
    const ids = await this.#readable(this.#caller.session, await this.#store.list(folder, rest));
    return limit === undefined ? [...ids] : ids.slice(0, limit);
  }

  async create(key: string, value: Value, options?: WriteOptions): Promise<boolean> {
    this.#checkWriter(key);
    if (folderOf(key) === "messages" && !this.#isOperator) throw refused(key, "a message is sent");
    return this.#store.create(key, await this.#checked(key, undefined, value), options);
  }

  async update(key: string, change: (old: Value | undefined) => Value | undefined, options?: WriteOptions) {
    for (let tried = 0; tried < MAX_TRIES; tried++) {
      const seen = await this.get(key);
      const next = change(seen);
      if (next === seen) return next;
      this.#checkWriter(key);
      const checked = await this.#checked(key, seen, next);
      let isDone = false;
      await this.#store.update(
        key,
        (old) => {
          if (old !== undefined && !this.#mayRead(key, old)) throw refused(key, "a record stays whose it is");
          isDone = isSame(old && this.#shown(key, old), seen);
          return isDone ? checked : old;
        },
        options,
      );
      if (isDone) return checked;
    }
    throw new RelayError("conflict", `Cannot change "${key}": others change it all the time`, { next: "try again" });
  }

  async publish(key: string, value: Value, delivery: Delivery): Promise<string[]> {
    this.#checkWriter(key);
    if (this.#isOperator) return this.#publishOnce(key, ownOf(this.#caller, key, value), delivery);
    if (folderOf(key) !== "messages") throw refused(key, "only messages are sent");
    const checked = checkedMessage(this.#caller, key, value, this.#sizes, { now: this.#now() });
    for (const inbox of checked.delivery.inboxes) await this.#checkAddressee(inbox);
    this.#spend();
    return this.#publishOnce(key, checked.value, checked.delivery);
  }

  /** Publishes a message once: a caller that asks again, because the answer was lost, gets the same answer. */
  async #publishOnce(key: string, value: Value, delivery: Delivery): Promise<string[]> {
    try {
      return await this.#store.publish(key, value, delivery);
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== "conflict") throw error;
      const there = await this.#found(key);
      if (folderOf(key) !== "messages" || !there || !isSameMessage(there, value)) throw error;
      const everyone = delivery.everyoneIn === undefined ? [] : await this.#store.list(delivery.everyoneIn);
      return [...new Set([...delivery.inboxes, ...everyone])].filter((inbox) => inbox !== delivery.except);
    }
  }

  async mark(key: string, at?: number): Promise<void> {
    this.#checkWriter(key);
    const [rule, words] = markRuleFor(key, "mark");
    if (
      !this.#isOperator &&
      !rule.mayMark(this.#caller, words, await this.#factsFor(() => rule.needs?.(words), rule.needsMarks), at)
    )
      throw refused(key, "it is not for you to mark");
    if (!this.#isOperator && rule.isNumber !== true) checkTimes(key, { marked_at: at }, this.#now());
    await this.#store.mark(key, at);
  }

  async markedAt(key: string): Promise<number | undefined> {
    return this.#maySee(key) ? this.#store.markedAt(key) : undefined;
  }

  async unmark(key: string): Promise<boolean> {
    this.#checkWriter(key);
    const [rule, words] = markRuleFor(key, "mark");
    if (!this.#isOperator && !rule.mayUnmark(this.#caller, words, await this.#factsFor(() => rule.needs?.(words))))
      throw refused(key, "it is not for you to unmark");
    return this.#store.unmark(key);
  }

  async marks(folder: string, range?: ListRange): Promise<string[]> {
    if (!this.#maySee(folder)) return [];
    if (!folder.startsWith("threads/") || this.#isOperator) return this.#store.marks(folder, range);
    const ids = await this.#store.marks(folder);
    return inRange([...(await this.#readable(this.#caller.session, ids))], range);
  }

  async append(key: string, line: Value): Promise<void> {
    this.#checkWriter(key);
    if (!this.#isOperator) checkLine(this.#caller, key, line, { now: this.#now() });
    await this.#store.append(key, line);
  }

  async *lines(key: string, after?: number): AsyncGenerator<Value | undefined> {
    const isHidden = this.#isOperator ? () => false : hiddenIn(folderOf(key), this.#caller);
    if (isHidden)
      for await (const line of this.#store.lines(key, after)) yield line && isHidden(line) ? undefined : line;
  }

  async logs(folder: string): Promise<string[]> {
    return this.#isOperator || isLogFolder(folder) ? this.#store.logs(folder) : [];
  }

  async removeLog(key: string): Promise<void> {
    if (!this.#isOperator) throw refused(key, "only where the relay is");
    await this.#store.removeLog(key);
  }

  watch(folder: string, signal: AbortSignal): AsyncIterable<Hint> {
    if (!this.#isOperator && !isWatched(folder, this.#caller)) throw refused(folder, "it is not for you to watch");
    return this.#store.watch(folder, signal);
  }

  /** Leaves the record where it is for a remote caller: a record that such a reader cannot use may be good. */
  async quarantine(key: string, reason: string): Promise<void> {
    if (this.#isOperator) await this.#store.quarantine(key, reason);
  }

  /** Of what was set aside, the messages of which the caller is an end, as far as that is known: why, and not what was in them. */
  async setAside(): Promise<readonly SetAside[]> {
    const all = (await this.#store.setAside?.()) ?? [];
    if (this.#isOperator || all.length === 0) return all;
    const { session } = this.#caller;
    const listed = await Promise.all([`inboxes/${session}`, `inboxes/${session}/open`].map((each) => this.marks(each)));
    const isEnd = ({ key, head }: SetAside) => listed.flat().includes(nameOf(key)) || senderOfBroken(head) === session;
    return all
      .filter((each) => folderOf(each.key) === "messages" && isEnd(each))
      .map(({ name, key, reason, at }) => ({ name, key, reason, at, file: "", head: "" }));
  }

  isDraft(key: string): Promise<boolean> {
    return this.#store.isDraft(key);
  }

  async sweep(before: number): Promise<number> {
    return this.#isOperator ? this.#store.sweep(before) : 0;
  }

  async prune(folder: string, before: number, isMeant: (name: string) => boolean): Promise<number> {
    return this.#isOperator ? this.#store.prune(folder, before, isMeant) : 0;
  }

  async close(): Promise<void> {} // the store is the server's

  /** Throws `not_found` for a session that nobody has had: mail left for it would be read by whoever takes its id. */
  async #checkAddressee(session: string): Promise<void> {
    if (session === this.#caller.operator) return;
    for (const key of registrationsOf(session)) if (await this.#found(key)) return;
    // Who is invited may never come: then the name is free, and mail for it would be another's.
    const users = usersIn(session).filter((key) => folderOf(key) === "members");
    const facts = await this.#factsFor(() => users);
    const { operator } = this.#caller;
    if (reservedBy({ owner: undefined, operator }, session, facts) !== undefined) return;
    throw new RelayError("not_found", `Cannot send to "${session}": the server knows no such session`, {
      next: "agent-relay agents",
    });
  }

  /** Throws `limit` for a new record of which the caller's user has all that it may have. */
  async #checkShare(key: string, next: Value): Promise<void> {
    const folder = folderOf(key);
    if (folder === "agents") await this.#checkSessions(key);
    if (folder === "waits") await this.#checkWaits(key, next);
  }

  /** Counts the records: one that is not listed yet can be at any moment. Quiet ones are looked at once, when they are due. */
  async #checkWaits(key: string, next: Value): Promise<void> {
    if (next.quiet === true) return;
    const user = userOf(this.#caller.owner);
    let [waits, conditions] = [0, Wait.parse(next, key).conditions.length];
    for (const id of await this.#store.list("waits")) {
      const wait = await this.#found(`waits/${id}`);
      if (
        wait?.state !== "pending" ||
        wait.quiet === true ||
        userOf((await this.#registration(wait.session_id))?.owner) !== user
      )
        continue;
      waits++;
      conditions += Wait.parse(wait, key).conditions.length;
    }
    if (waits < MAX_USER_WAITS && conditions <= MAX_USER_CONDITIONS) return;
    throw new RelayError(
      "limit",
      `Cannot wait for more: ${user} has ${waits} waits here for ${conditions} things, of at most ${MAX_USER_WAITS} for ${MAX_USER_CONDITIONS}`,
      { next: "agent-relay wait --list, then --cancel what you do not need" },
    );
  }

  async #registration(session: unknown): Promise<Value | undefined> {
    if (typeof session !== "string") return undefined;
    for (const key of registrationsOf(session)) {
      const found = await this.#found(key);
      if (found) return found;
    }
    return undefined;
  }

  /** Throws `limit` for too many sessions of one user: every list of agents reads each session. */
  async #checkSessions(key: string): Promise<void> {
    const user = userOf(this.#caller.owner);
    let theirs = 0;
    for (const id of await this.#store.list("agents"))
      if (userOf((await this.#found(`agents/${id}`))?.owner) === user) theirs++;
    if (theirs >= MAX_USER_SESSIONS)
      throw new RelayError(
        "limit",
        `Cannot write "${key}": ${user} has ${theirs} sessions here, of at most ${MAX_USER_SESSIONS}`,
        {
          next: "agent-relay unregister those that are over",
        },
      );
  }

  #spend(): void {
    const wait = this.#take();
    if (wait === 0) return;
    const what = `${userOf(this.#caller.owner)} has sent all that may be sent in a minute`;
    throw new RelayError("limit", `Cannot send: ${what}`, { next: `wait ${Math.ceil(wait / 1000)} s` });
  }

  #checkWriter(key: string): void {
    if (this.#caller.isReader) throw refused(key, "this token is good to read alone");
    if (this.#caller.session === "" && !this.#isOperator) throw refused(key, "no session is named");
  }

  get #isOperator(): boolean {
    return this.#caller.owner === undefined;
  }

  #mayRead(key: string, value: Value): boolean {
    return this.#isOperator || (ruleFor(key).mayRead?.(this.#caller, key, value) ?? true);
  }

  #maySee(key: string): boolean {
    const [rule, words] = markRuleFor(key);
    return this.#isOperator || rule.maySee(this.#caller, words);
  }

  /** The record as this caller may see it. */
  #shown(key: string, value: Value): Value {
    const { shown } = ruleFor(key);
    return this.#isOperator || !shown ? value : shown(this.#caller, key, value);
  }

  /** `next` as it is to be written. Throws what the access rule of its noun throws. */
  async #checked(key: string, old: Value | undefined, next: Value): Promise<Value>;
  async #checked(key: string, old: Value | undefined, next: Value | undefined): Promise<Value | undefined>;
  async #checked(key: string, old: Value | undefined, next: Value | undefined): Promise<Value | undefined> {
    const rule = ruleFor(key);
    const change = { old, next };
    if (!this.#isOperator) {
      if (old === undefined && next !== undefined) await this.#checkShare(key, next);
      const facts = await this.#factsFor((known) => rule.needs?.(key, change, known), rule.needsMarks);
      rule.check(this.#caller, key, change, facts);
      checkTimes(key, next, facts.now);
    }
    return next && rule.stamped ? rule.stamped(this.#caller, next) : next;
  }

  /** Reads the records that `needs` names, again until it names no new one, and the times of `needsMarks`. */
  async #factsFor(
    needs: (known: AccessFacts["records"]) => readonly string[] | undefined,
    needsMarks: readonly string[] = [],
  ): Promise<AccessFacts> {
    const records = new Map<string, Value | undefined>();
    const missing = () => (needs(records) ?? []).filter((key) => nameOf(key) !== "" && !records.has(key));
    for (let keys = missing(); keys.length > 0; keys = missing())
      for (const key of new Set(keys)) records.set(key, await this.#found(key));
    const marks = new Map<string, number | undefined>();
    for (const key of needsMarks) marks.set(key, await this.#store.markedAt(key));
    return { now: this.#now(), records, marks };
  }

  /** The record; undefined if there is none that can be read. */
  async #found(key: string): Promise<Value | undefined> {
    try {
      return await this.#store.get(key);
    } catch (error) {
      if (error instanceof RelayError && ["corrupt", "usage"].includes(error.code)) return undefined;
      throw error;
    }
  }

  async #each(ids: readonly string[]): Promise<string[]> {
    const found: string[] = [];
    for await (const [id, message] of eachReadable(this.#store, ids, (each) => this.#found(`messages/${each}`)))
      if (message && messageRule.mayRead?.(this.#caller, `messages/${id}`, message)) found.push(id);
    return found;
  }
}
