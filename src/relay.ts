import type { Entry } from "./activity/entry.ts";
import { type Agent, checkAgentId, type Teller } from "./agents/agent.ts";
import * as leaving from "./agents/leave.ts";
import * as registration from "./agents/register.ts";
import * as registry from "./agents/registry.ts";
import type { AppendOptions, AppendResult } from "./claims/append.ts";
import type { Claim } from "./claims/claim.ts";
import type * as claiming from "./claims/claims.ts";
import { asFarAsPossible, type Context, type RegisterOptions, type RelayOptions } from "./context.ts";
import type { Decision } from "./decisions/decision.ts";
import { RelayError } from "./errors.ts";
import { Lifetime } from "./lifetime.ts";
import { type HistoryOptions, history, thread } from "./messages/history.ts";
import * as reading from "./messages/inbox.ts";
import * as mailbox from "./messages/mailbox.ts";
import type { Message } from "./messages/message.ts";
import * as receipts from "./messages/receipts.ts";
import * as records from "./messages/records.ts";
import { cleanupOld } from "./messages/retention.ts";
import { reply, type SendItem, type SendOptions, type Sent, send, sendMany } from "./messages/send.ts";
import * as watching from "./messages/watch.ts";
import { contextFor, newPace } from "./open/make-context.ts";
import { fileStore, type OpenOptions, openRelay } from "./open/open.ts";
import { isTrusted, trust } from "./project/trust.ts";
import { Tasks } from "./relay-tasks.ts";
import type { Store } from "./store/store.ts";
import type { Dump } from "./upkeep/dump.ts";
import type { RemovedThing, Retention } from "./upkeep/gc.ts";
import type { Activity, ActivityOptions } from "./views/activity.ts";
import type { Explanation } from "./views/explain.ts";
import type { PastState } from "./views/past-state.ts";
import type { Snapshot } from "./views/snapshot.ts";
import type { Wait, WaitFor } from "./waits/wait.ts";
import type { WaitOptions, WaitResult } from "./waits/waiting.ts";

// Modules that most runs do not use: each is loaded on first use.
const load = {
  claims: () => import("./claims/claims.ts"),
  files: () => import("./claims/append.ts"),
  yields: () => import("./messages/yields.ts"),
  waits: () => import("./waits/waiting.ts"),
  deadline: () => import("./waits/deadline.ts"),
  decisions: () => import("./decisions/decide.ts"),
  status: () => import("./agents/status.ts"),
  log: () => import("./activity/log.ts"),
  activity: () => import("./views/activity.ts"),
  explain: () => import("./views/explain.ts"),
  past: () => import("./views/past-state.ts"),
  snapshot: () => import("./views/snapshot.ts"),
  dump: () => import("./upkeep/dump.ts"),
  gc: () => import("./upkeep/gc.ts"),
  lifecycle: () => import("./upkeep/lifecycle.ts"),
};

/**
 * One session's view of a relay. Every method may throw a `RelayError`: `usage` for bad input, `refused` where this user
 * or session may not, `limit` when something is full, `failed` or `corrupt` when the disk is to blame.
 */
export class Relay {
  readonly dir: string;
  readonly #options: RelayOptions;
  readonly #store: Store;
  readonly #pace = newPace();
  readonly #life = new Lifetime();
  /** The project's tasks. */
  readonly tasks = new Tasks(() => this.#context());
  #mine: Context | undefined;

  /** A relay in the folder `dir` (such as `.relay`). Does no I/O; the first write makes the folder. */
  constructor(dir: string, options: RelayOptions = {}) {
    this.dir = dir;
    this.#options = options;
    this.#store = options.store ?? fileStore(dir, options);
  }

  /** Finds the project's relay and our session, as the command does. Throws `usage` if they cannot be told. */
  static open(options: OpenOptions = {}): Promise<Relay> {
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

  /** Registers this session anew, and lists the last day's broadcasts for it. Throws `conflict` for a taken name. */
  async register(options?: RegisterOptions): Promise<Agent> {
    return registration.register(this.#context(), options);
  }

  /** Renews this session's sign of life, and says what tells it of mail. Never registers it: undefined if it is not registered. */
  async heartbeat(tells?: Teller): Promise<Agent | undefined> {
    return registration.heartbeat(this.#context(), tells);
  }

  /** Ends this session and gives back its claims. Its mail stays for its return. Undefined if it was not registered. */
  async unregister(): Promise<Agent | undefined> {
    const left = await leaving.unregister(this.#context());
    await this.releaseAll();
    return left;
  }

  /** Everyone registered, the last seen first; with `unread`, also how many unread messages each has. */
  async agents(options: { readonly unread?: boolean } = {}): Promise<registry.AgentView[]> {
    const look = options.unread ? mailbox.agentsWithUnread : registry.agents;
    return look(this.#context("nobody"));
  }

  /** One session by its id, also one that has ended, or undefined. */
  async find(session: string): Promise<registry.AgentView | undefined> {
    return registry.find(this.#context("nobody"), session);
  }

  /** What these sessions are called, also those that have ended: the id where one has no name. */
  async names(sessions: Iterable<string | undefined>): Promise<ReadonlyMap<string, string>> {
    return registry.namesOf(this.#context("nobody"), sessions);
  }

  /** Ends every registration whose process is known to be dead. Returns those. */
  async cleanupDead(): Promise<Agent[]> {
    const gone = await leaving.cleanupDead(this.#context("nobody"));
    await this.#context("nobody").settle();
    return gone;
  }

  /**
   * Sends to everyone, or to `to`. The message is on disk when this returns, and unread until it was shown. Throws
   * `not_found` for an unknown recipient, `limit` for a body that is too long, too many sends, or a full inbox.
   */
  async send(content: string, options?: SendOptions): Promise<Sent> {
    return this.#expectingAnswers(await send(this.#context(), content, options));
  }

  /** Sends several in their order, flushed together. The place of one that cannot be sent has the error; the others are sent. */
  async sendMany(items: readonly SendItem[]): Promise<(Sent | RelayError)[]> {
    const all = await sendMany(this.#context(), items);
    return Promise.all(all.map((one) => (one instanceof RelayError ? one : this.#expectingAnswers(one))));
  }

  /** Answers a message, to its sender, in its conversation. Throws `not_found`. */
  async reply(id: string, content: string, options?: SendOptions): Promise<Sent> {
    return this.#expectingAnswers(await reply(this.#context(), id, content, options));
  }

  /** Shows waiting messages and marks those shown as read. Throws `conflict` while another reader has the lease. */
  async inbox(options?: reading.InboxOptions): Promise<reading.Inbox> {
    return reading.inbox(this.#context(), options);
  }

  /** The unread messages, in order, at most 1,000, without those `except`; marks nothing. */
  async unread(options?: reading.UnreadOptions): Promise<Message[]> {
    return reading.unread(this.#context(), options);
  }

  /** How many messages are unread; 1,001 means more than 1,000. */
  async unreadCount(): Promise<number> {
    return reading.unreadCount(this.#context());
  }

  /** Marks messages as read without showing them. Returns those that were for this session. Throws `not_found`. */
  async markRead(...ids: string[]): Promise<Message[]> {
    return receipts.markRead(await this.#acting(), ids);
  }

  /** Says that a message was dealt with. Throws `not_found`, and `refused` if it was not for this session. */
  async ack(id: string): Promise<Message> {
    return receipts.ack(await this.#acting(), id);
  }

  /** Takes back a message: nobody who has not read it will see it. Throws `not_found`, `refused` if another sent it. */
  async withdraw(id: string): Promise<Message> {
    return receipts.withdraw(await this.#acting(), id);
  }

  /** Messages this session may read, sent and received, in order; marks nothing. */
  async history(options?: HistoryOptions): Promise<Message[]> {
    return history(await this.#acting(), options);
  }

  /** A whole conversation, by the id of any message in it, in order. Throws `not_found`. */
  async thread(id: string): Promise<Message[]> {
    return thread(await this.#acting(), id);
  }

  /** One message that this session may read. Throws `not_found`. */
  async message(id: string): Promise<Message> {
    return records.messageFor(await this.#acting(), id);
  }

  /** Yields unread messages, now and later; asking for the next marks one as read. Registers the session if need be. */
  watch(options: watching.WatchOptions = {}): AsyncGenerator<Message, void, void> {
    return this.#life.stream(options.signal, (signal) => watching.watch(this.#context(), { ...options, signal }));
  }

  /** The session that an id, its unique beginning, or a name means. Throws `not_found`. */
  async sessionOf(word: string): Promise<string> {
    return registry.sessionOf(this.#context("nobody"), word);
  }

  /** Removes messages older than `maxAge` seconds, except those still to be read or answered. Returns how many. */
  async cleanupOld(maxAge: number): Promise<number> {
    return cleanupOld(this.#context("nobody"), maxAge * 1000);
  }

  /** Whether this machine and user made the relay, or a person here has trusted it. */
  async isTrusted(): Promise<boolean> {
    return isTrusted(this.#context("nobody").store);
  }

  /** Says that what is in this relay may be put before a model. For a person to decide. */
  async trust(): Promise<void> {
    return trust(this.#context("nobody").store, this.#options.now ?? Date.now);
  }

  /**
   * Reserves paths (files, folders with all below them, globs) and resources: all or none, until they are released, not
   * renewed in time, or this session ends. What this session holds already is renewed. Throws `conflict` for what
   * others hold, with who, why and until when; with `wait`, `timed_out` after it, or `conflict` at once for a deadlock.
   */
  async claim(paths: string | readonly string[], options?: claiming.WaitingClaimOptions): Promise<Claim> {
    return (await load.claims()).claim(this.#context(), [paths].flat(), options);
  }

  /** Gives back own claims on or below these paths. Throws `not_found`, `refused` for another's without `force`. */
  async release(paths: string | readonly string[], options?: claiming.ReleaseOptions): Promise<Claim[]> {
    return (await load.yields()).releaseAndTell(this.#context(), [paths].flat(), options);
  }

  /** Gives back all that this session claims. */
  async releaseAll(): Promise<Claim[]> {
    return (await load.yields()).releaseAndTell(this.#context(), "all");
  }

  /** Every live claim, the oldest first. */
  async claims(): Promise<Claim[]> {
    return (await load.claims()).claims(this.#context("nobody"));
  }

  /** Tells whether these paths could be claimed, without claiming them. */
  async check(paths: string | readonly string[], options?: claiming.ClaimOptions): Promise<claiming.ClaimCheck> {
    return (await load.claims()).check(await this.#acting(), [paths].flat(), options);
  }

  /** Appends text to a file that many write, one writer at a time. Throws `timed_out` if others hold it too long. */
  async append(file: string, text: string, options?: AppendOptions): Promise<AppendResult> {
    return (await load.files()).append(this.#context(), file, text, options);
  }

  /** Renews this session's claims for their whole time; with `ifDue`, once half of any one's is over. Returns them. */
  async renewClaims(options?: { readonly ifDue?: boolean }): Promise<Claim[]> {
    return (await load.claims()).renewClaims(this.#context(), options);
  }

  /**
   * Waits until others have acted: released a path, ended, written, answered, completed a task. Throws `timed_out`, and
   * `conflict` for a deadlock, with its steps: those who would have to act wait for this session.
   */
  async wait(what: WaitFor, options: WaitOptions = {}): Promise<WaitResult> {
    const { wait } = await load.waits();
    return this.#life.during(options.signal, (signal) => wait(this.#context(), what, { ...options, signal }));
  }

  /** The same, but returns at once: one message tells the outcome, whichever process notices it first. */
  async subscribe(what: WaitFor, options?: WaitOptions): Promise<Wait> {
    return (await load.waits()).subscribe(this.#context(), what, options);
  }

  /** Every session's pending waits by `subscribe`, the oldest first. */
  async waits(): Promise<Wait[]> {
    return (await load.waits()).waits(this.#context("nobody"));
  }

  /** A wait that was subscribed to, and what became of it. Throws `not_found`. */
  async outcome(id: string): Promise<Wait> {
    return (await load.waits()).waitOf(this.#context("nobody"), id);
  }

  /** Ends a wait of this session. Throws `not_found`, and `refused` for another's. */
  async cancelWait(id: string): Promise<Wait> {
    return (await load.waits()).cancelWait(this.#context(), id);
  }

  /** Who is here and what each does, who holds what, what is to be done, and who waits. */
  async snapshot(): Promise<Snapshot> {
    return (await load.snapshot()).snapshot(this.#context("nobody"));
  }

  /** Writes down a decision, which is never dropped, and tells everyone. */
  async decide(content: string): Promise<Decision> {
    return (await load.decisions()).decide(this.#context(), content);
  }

  /** Every decision, the oldest first. */
  async decisions(): Promise<Decision[]> {
    return (await load.decisions()).decisions(this.#context("nobody"));
  }

  /** Says in one line what this session does; `agents` shows it to the others. */
  async setStatus(line: string): Promise<void> {
    return (await load.status()).setStatus(this.#context(), line);
  }

  /** Writes a note to the activity log. */
  async log(text: string, file?: string): Promise<void> {
    return (await load.log()).note(this.#context(), text, file);
  }

  /** Logs which files this session has written, by the names given. */
  async noteEdit(files: readonly string[]): Promise<void> {
    return (await load.log()).noteEdit(this.#context(), files);
  }

  /** What happened, and the messages this session may read, the oldest first; by default of the last day. */
  async activity(options?: ActivityOptions): Promise<Activity> {
    return (await load.activity()).activity(this.#context("nobody"), options);
  }

  /** Yields what happens from now on; with `known`, the entries of the last minute or more, what is not among them. */
  async *follow(signal: AbortSignal, known?: readonly Entry[]): AsyncGenerator<Entry, void, void> {
    const { follow } = await load.activity();
    yield* this.#life.stream(signal, (end) => follow(this.#context("nobody"), end, known));
  }

  /** What a message, task, claim, wait or decision is, and all that happened to it. Throws `not_found`. */
  async explain(id: string): Promise<Explanation> {
    return (await load.explain()).explain(this.#context("nobody"), id);
  }

  /** Who was here, who held what, and how the tasks stood at a time (Unix ms), as far as the log goes back. */
  async stateAt(time: number): Promise<PastState> {
    return (await load.past()).stateAt(this.#context("nobody"), time);
  }

  /** Everything in the relay, as plain data. */
  async dump(): Promise<Dump> {
    return (await load.dump()).dump(this.#context("nobody"));
  }

  /** What `gc` would remove; removes nothing. */
  async gcPlan(retention?: Retention): Promise<RemovedThing[]> {
    return (await load.gc()).gcPlan(this.#context("nobody"), retention);
  }

  /** Removes what is no longer kept; never unread mail, live claims, open tasks or decisions. */
  async gc(retention?: Retention): Promise<RemovedThing[]> {
    return (await load.gc()).gc(this.#context("nobody"), retention);
  }

  /** Ends every session, gives back every claim, and lets nobody new register. Returns the sessions. */
  async finish(): Promise<string[]> {
    return (await load.lifecycle()).finish(this.#context("somebody"));
  }

  /** Lets sessions register again. False if it was not finished. */
  async reopen(): Promise<boolean> {
    return (await load.lifecycle()).reopen(this.#context("nobody"));
  }

  /** Ends every `watch`, `follow` and `wait` of this Relay, and its store. What is called later throws `usage`. */
  async close(): Promise<void> {
    await this.#life.close();
    await this.#store.close();
  }

  readonly [Symbol.asyncDispose] = (): Promise<void> => this.close();

  async #expectingAnswers(sent: Sent): Promise<Sent> {
    if (sent.messages.some(({ answer_by }) => answer_by !== undefined))
      await (await load.deadline()).expectAnswers(this.#context(), sent.messages);
    return sent;
  }

  /** The Context of the acting session, after renewing its sign of life. */
  async #acting(): Promise<Context> {
    const context = this.#context();
    await asFarAsPossible(() => registration.touch(context));
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
