import type { ActivityEntry, ActivityEvent, EntryOf } from "./activity/entry.ts";
import { checkAgentId, checkSession } from "./agents/agent.ts";
import { touch } from "./agents/register.ts";
import type { Claim } from "./claims/claim.ts";
import type { ReleaseOptions, WaitingClaimOptions } from "./claims/claims.ts";
import { asFarAsPossible, type Context, type RelayOptions } from "./context.ts";
import { RelayError } from "./errors.ts";
import { Lifetime } from "./lifetime.ts";
import { checkOptions } from "./limits.ts";
import * as reading from "./messages/inbox.ts";
import type { Message } from "./messages/message.ts";
import type { SendOptions, Sent } from "./messages/send.ts";
import * as watching from "./messages/watch.ts";
import { contextFor, newPace } from "./open/make-context.ts";
import { fileStore, type OpenOptions, openRelay } from "./open/open.ts";
import type { Acting } from "./relay/acting.ts";
import { Activity } from "./relay/activity.ts";
import { Admin } from "./relay/admin.ts";
import { Agents } from "./relay/agents.ts";
import { Claims } from "./relay/claims.ts";
import { Decisions } from "./relay/decisions.ts";
import { Messages } from "./relay/messages.ts";
import { EVENTS, INBOX, OPEN, RELAY, RELEASE, WAIT, WAIT_FOR, WAITING_CLAIM, WATCH } from "./relay/options.ts";
import { Sending } from "./relay/sending.ts";
import { Tasks } from "./relay/tasks.ts";
import { Waits } from "./relay/waits.ts";
import type { Store } from "./store/store.ts";
import type { EventsOptions } from "./views/activity.ts";
import type { WaitFor } from "./waits/wait.ts";
import type { WaitOptions, WaitResult } from "./waits/waiting.ts";

// Modules that most runs do not use: each is loaded on first use.
const load = {
  activity: () => import("./views/activity.ts"),
  claims: () => import("./claims/claims.ts"),
  yields: () => import("./messages/yields.ts"),
  waits: () => import("./waits/waiting.ts"),
};

/** A claim that `await using` gives back, where this session still holds it: also one that it had before and has renewed. */
export type HeldClaim = Claim & AsyncDisposable;

/**
 * One session's view of a relay. Every method may throw a `RelayError`: `usage` for bad input, `refused` where this user
 * or session may not, `limit` when something is full, `failed` or `corrupt` when the disk is to blame.
 */
export class Relay {
  /** The folder that the relay is in. */
  readonly dir: string;
  /** Who is here: registering, finding, naming. */
  readonly agents: Agents;
  /** The messages that this session may read: one, many, a conversation, and what becomes of them. */
  readonly messages: Messages;
  /** Who holds what. */
  readonly claims: Claims;
  /** Waits that a message tells the outcome of. */
  readonly waits: Waits;
  /** The project's tasks. */
  readonly tasks: Tasks;
  /** What was decided. */
  readonly decisions: Decisions;
  /** What happens and has happened. */
  readonly activity: Activity;
  /** The upkeep of the relay. */
  readonly admin: Admin;
  readonly #options: RelayOptions;
  readonly #store: Store;
  readonly #pace = newPace();
  readonly #life = new Lifetime();
  readonly #sending: Sending;
  #mine: Context | undefined;

  /** A relay in the folder `dir` (such as `.relay`). Does no I/O; the first write makes the folder. */
  constructor(dir: string, options: RelayOptions = {}) {
    checkOptions("make a Relay", options, RELAY);
    this.dir = options.store ? dir : checkDir(dir);
    if (options.session !== undefined) checkSession(options.session);
    if (options.agent !== undefined) checkAgentId(options.agent);
    this.#options = options;
    this.#store = options.store ?? fileStore(dir, options);
    const acting: Acting = {
      mine: () => this.#context(),
      anyone: (called = "nobody") => this.#context(called),
      seen: () => this.#seen(),
      life: this.#life,
    };
    this.#sending = new Sending(acting);
    this.agents = new Agents(acting);
    this.messages = new Messages(acting, this.#sending);
    this.claims = new Claims(acting);
    this.waits = new Waits(acting);
    this.tasks = new Tasks(acting);
    this.decisions = new Decisions(acting);
    this.activity = new Activity(acting);
    this.admin = new Admin(acting);
  }

  /** Finds the project's relay and our session, as the command does. Throws `usage` if they cannot be told. */
  static open(options: OpenOptions = {}): Promise<Relay> {
    checkOptions("open a Relay", options, OPEN);
    return openRelay(options, (dir, found) => new Relay(dir, found));
  }

  /** The session that acts, if there is one. */
  get session(): string | undefined {
    return this.#options.session;
  }

  /** Which tool the acting session is. */
  get agent(): string {
    return this.#options.agent ?? "agent";
  }

  /**
   * Sends to everyone, or to `to`. The message is on disk when this returns, and unread until it was shown. Throws
   * `not_found` for an unknown recipient, `limit` for a body that is too long, too many sends, or a full inbox.
   */
  async send(content: string, options?: SendOptions): Promise<Sent> {
    return this.#sending.one(content, options);
  }

  /** Answers a message, to its sender, in its conversation. Throws `not_found`. */
  async reply(id: string, content: string, options?: SendOptions): Promise<Sent> {
    return this.#sending.reply(id, content, options);
  }

  /** Shows waiting messages and marks those shown as read. Throws `conflict` while another reader has the lease. */
  async inbox(options?: reading.InboxOptions): Promise<reading.Inbox> {
    checkOptions("read the inbox", options, INBOX);
    return this.#life.during(options?.signal, (signal) => reading.inbox(this.#context(), { ...options, signal }));
  }

  /** Yields unread messages, now and later; asking for the next marks one as read. Registers the session if need be. */
  watch(options: watching.WatchOptions = {}): AsyncGenerator<Message, void, void> {
    checkOptions("watch", options, WATCH);
    return this.#life.stream(options.signal, (signal) => watching.watch(this.#context(), { ...options, signal }));
  }

  /**
   * Yields what happens from now on: each message that this session may read, each claim, task, registration, decision, ...
   * With `types`, only those events. Tells a session that is not registered too, and marks nothing.
   */
  async *events<Event extends ActivityEvent = ActivityEvent>(
    options: EventsOptions<Event> = {},
  ): AsyncGenerator<EntryOf<Event>, void, void> {
    checkOptions("follow what happens", options, EVENTS);
    const { types } = options;
    const isMeant = (entry: ActivityEntry): entry is ActivityEntry & EntryOf<Event> =>
      types === undefined || types.some((event) => event === entry.event);
    const { follow } = await load.activity();
    const all = this.#life.stream(options.signal, (signal) => follow(this.#context("nobody"), { ...options, signal }));
    for await (const entry of all) if (isMeant(entry)) yield entry;
  }

  /**
   * Reserves paths (files, folders with all below them, globs) and resources: all or none, until they are released, not
   * renewed in time, or this session ends. What this session holds already is renewed. Throws `conflict` for what
   * others hold, with who, why and until when; with `waitMs`, `timed_out` after it, or `conflict` at once for a deadlock.
   * `await using` gives it back at the end of the block.
   */
  async claim(paths: string | readonly string[], options: WaitingClaimOptions = {}): Promise<HeldClaim> {
    checkOptions("claim", options, WAITING_CLAIM);
    const { claim } = await load.claims();
    const made = await this.#life.during(options.signal, (signal) =>
      claim(this.#context(), [paths].flat(), { ...options, signal }),
    );
    const giveBack = async () => (await load.yields()).giveBackAndTell(this.#context(), made);
    return Object.defineProperty({ ...made }, Symbol.asyncDispose, { value: giveBack }) as HeldClaim;
  }

  /** Gives back own claims on or below these paths. Throws `not_found`, `refused` for another's without `force`. */
  async release(paths: string | readonly string[], options?: ReleaseOptions): Promise<Claim[]> {
    checkOptions("release", options, RELEASE);
    return (await load.yields()).releaseAndTell(this.#context(), [paths].flat(), options);
  }

  /**
   * Waits until others have acted: released a path, ended, written, answered, completed a task. Throws `timed_out`, and
   * `conflict` for a deadlock, with its steps: those who would have to act wait for this session.
   */
  async wait(what: WaitFor, options: WaitOptions = {}): Promise<WaitResult> {
    checkOptions("wait for this", what, WAIT_FOR);
    checkOptions("wait", options, WAIT);
    const { wait } = await load.waits();
    return this.#life.during(options.signal, (signal) => wait(this.#context(), what, { ...options, signal }));
  }

  /** Ends every `watch`, `events` and `wait` of this Relay, and its store. What is called later throws `usage`. */
  async close(): Promise<void> {
    await this.#life.close();
    await this.#store.close();
  }

  /** `close`, for `await using`. */
  readonly [Symbol.asyncDispose] = (): Promise<void> => this.close();

  async #seen(): Promise<Context> {
    const context = this.#context();
    await asFarAsPossible(() => touch(context));
    return context;
  }

  /** The Context of the acting session. A Relay without one acts as `nobody` if that is given, else throws `usage`. */
  #context(nobody?: string): Context {
    this.#life.check();
    if (this.#mine) return this.#mine;
    const { session = nobody } = this.#options;
    if (session === undefined)
      throw new RelayError("usage", "Cannot act for nobody: this Relay has no session", {
        next: 'new Relay(dir, { session: "my-session" }), or Relay.open()',
      });
    const agent = checkAgentId(this.agent);
    const context = contextFor(this.#options, { dir: this.dir, store: this.#store, session, agent, pace: this.#pace });
    if (this.#options.session !== undefined) this.#mine = context;
    return context;
  }
}

function checkDir(dir: string): string {
  if (dir !== "") return dir;
  throw new RelayError("usage", "Cannot make a Relay in no folder", { next: 'new Relay(".relay", { session })' });
}
