import type { Presence, Teller } from "../agents/agent.ts";
import { lostHolders } from "../agents/names.ts";
import { ensureRegistered } from "../agents/register.ts";
import { ended, find, isKnown, registrations } from "../agents/registry.ts";
import { type Address, resolve } from "../agents/resolve.ts";
import { type Context, isSeenLately } from "../context.ts";
import { RelayError } from "../errors.ts";
import { newId, timeAfter } from "../id.ts";
import { checkOptions, checkTimeout, type OptionNames } from "../limits.ts";
import { checkSegment, isSegment } from "../store/key.ts";
import type { Delivery, Published } from "../store/store.ts";
import { lastHeard } from "./heard.ts";
import type { Chain } from "./loop-limit.ts";
import { countUnread } from "./mailbox.ts";
import {
  asks,
  checkBody,
  checkKind,
  compose,
  isFor,
  type Message,
  type MessageExtras,
  type MessageKind,
  sentAt,
} from "./message.ts";
import { loadPace, noteSent, PERSON_SPOKE, spendAllowance } from "./rate-limit.ts";
import { ack, stampRead } from "./receipts.ts";
import { messageFor } from "./records.ts";

export interface SendOptions {
  /** Session id, its unique beginning, name, `role:<role>`, `human`, `all` (default); several: one message each. */
  readonly to?: string | readonly string[] | undefined;
  readonly kind?: MessageKind | undefined;
  /** The id of any message of the conversation that the message belongs to. */
  readonly thread?: string | undefined;
  /** The id of the message that this one answers. */
  readonly replyTo?: string | undefined;
  /** Asks the recipient to `ack` or answer: each read shows the message again until then. */
  readonly ack?: boolean | undefined;
  /** The sender is told if no answer comes within this many ms. Default one hour with `ack`, else no deadline. */
  readonly deadlineMs?: number | undefined;
  /** The ids of the claims that a request to yield asks for. It is answered when its recipient releases one of them. */
  readonly claims?: readonly string[] | undefined;
  /** No inbox shows the message after this many ms. */
  readonly expiresMs?: number | undefined;
  /** Keeps the message for a session that is not known yet; `to` is then its id. */
  readonly keep?: boolean | undefined;
  /** Signs each message before it is written. */
  readonly sign?: ((message: Message) => Message) | undefined;
  /**
   * Also reports what is known of each recipient, which costs a read of each. How many unread messages each has is told of
   * named recipients; `all` tells it of those of a broadcast too, which costs a look into each inbox.
   */
  readonly report?: boolean | "all" | undefined;
  /** Ends, by its reason, the pause (up to 5 s) before an answer in a long chain of agents: nothing is sent then. */
  readonly signal?: AbortSignal | undefined;
}

/** What is known of one recipient. */
export interface Recipient {
  readonly session_id: string;
  readonly name?: string;
  /** `unknown`: a session that nobody here has seen. */
  readonly presence?: Presence | "unknown";
  /** Its last sign of life. ISO 8601. */
  readonly last_seen?: string;
  /** What tells it of its mail without being asked, and when it last looked or was told (ISO 8601). */
  readonly told_by?: readonly Teller[];
  /** When it last looked, or was told. ISO 8601. */
  readonly looked_at?: string;
  /** When the session ended (ISO 8601). It may come back for its mail. */
  readonly ended_at?: string;
  /** Unread messages in its inbox before this one; 1,001 means more than 1,000. */
  readonly unread_before?: number;
  /** The recipient's inbox was full, and does not list the broadcast. */
  readonly is_full?: boolean;
}

/** The messages of one send. They are on disk, and unread until they are shown. */
export interface Sent {
  /** The message's id; of several, the first one's. */
  readonly id: string;
  /** Shared by the messages of one send to several. */
  readonly batch?: string;
  readonly messages: readonly Message[];
  /** One for each that a pointer was written for; with `report`, what is known of it. */
  readonly recipients: readonly Recipient[];
}

const SEND_OPTIONS: OptionNames<SendOptions> = {
  ...{ to: true, kind: true, thread: true, replyTo: true, ack: true, deadlineMs: true, claims: true, expiresMs: true },
  ...{ keep: true, sign: true, report: true, signal: true },
};

/** Sends a message; registers this session first if need be. */
export async function send(context: Context, content: string, options: SendOptions = {}): Promise<Sent> {
  return publishAll(context, await prepare(context, content, options));
}

/** The result, or the error that is for the caller. */
export async function orError<T>(run: () => Promise<T>): Promise<T | RelayError> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof RelayError) return error;
    throw error;
  }
}

/** The messages of one send before they are published. */
export interface Prepared {
  readonly messages: readonly Message[];
  readonly answered: Message | undefined;
  readonly report: Recipient[] | undefined;
}

/** Checks a send, and composes its messages. */
export async function prepare(context: Context, content: string, options: SendOptions = {}): Promise<Prepared> {
  checkOptions("send", options, SEND_OPTIONS);
  await checkAndRegister(context, content, options);
  const seen = recentlySeen(context, options.to);
  const found = seen ? { to: seen } : await resolveRecipients(context, options.to, options.keep ?? false);
  return composed(context, content, options, found);
}

async function checkAndRegister(context: Context, content: string, { kind, claims = [] }: SendOptions): Promise<void> {
  checkBody(content, context.limits.bodyBytes);
  if (kind !== undefined) checkKind(kind);
  if (kind === "request-yield" && claims.length === 0)
    throw new RelayError("usage", "Cannot ask to yield nothing: name what is held", {
      next: 'agent-relay send --claim <path> "why you need it"',
    });
  if (!isSeenLately(context, context.session)) await ensureRegistered(context);
}

/** Whom a message goes to, and the names by which its sender called them. */
interface Recipients {
  readonly to: Address;
  readonly names?: ReadonlyMap<string, string> | undefined;
}

async function composed(
  context: Context,
  content: string,
  options: SendOptions,
  { to, names }: Recipients,
): Promise<Prepared> {
  if (to === "everyone" && options.kind === "permission")
    throw new RelayError("usage", "Cannot ask everyone for permission: name who is to answer", {
      next: 'agent-relay send --to <who> --kind permission "May I ...?"',
    });
  const answered = options.replyTo === undefined ? undefined : await messageFor(context, options.replyTo);
  const thread = options.thread === undefined ? undefined : await messageFor(context, options.thread);
  const heard = answered || thread ? undefined : await heardOf(context, to);
  const chain =
    answered || thread || heard ? await chainOf(context, answered ?? heard, thread, options.signal) : NO_CHAIN;
  const report = options.report ? await reportOn(context, to, options.report) : undefined;
  await loadPace(context);
  const made = composeAll(context, content, options, to, { answered, thread, chain, names });
  const messages = options.sign ? made.map(options.sign) : made;
  if (answered?.kind === "permission") await (await import("./approval.ts")).decideBy(context, answered, content);
  return { messages, answered, report };
}

/** What a message to one agent answers in fact, though its sender has not said so. */
async function heardOf(context: Context, to: Address): Promise<Message | undefined> {
  const [peer, another] = to === "everyone" ? [] : to;
  return peer === undefined || another !== undefined || context.agent === "human"
    ? undefined
    : lastHeard(context, peer);
}

const NO_CHAIN: Chain = { hops: 0, chain: [] };

async function chainOf(
  context: Context,
  answered: Message | undefined,
  thread: Message | undefined,
  signal: AbortSignal | undefined,
): Promise<Chain> {
  const { chainFor, latestOf } = await import("./loop-limit.ts");
  const parent = answered ?? (thread && (await latestOf(context, thread)));
  return parent ? chainFor(context, parent, signal) : NO_CHAIN;
}

/** One message for everyone, or one for each recipient. Takes them from the allowance. Throws `limit`. */
function composeAll(
  context: Context,
  content: string,
  options: SendOptions,
  to: Address,
  {
    answered,
    thread = answered,
    chain,
    names,
  }: Pick<Recipients, "names"> & { answered?: Message | undefined; thread?: Message | undefined; chain: Chain },
): Message[] {
  const { session, agent, via, now } = context;
  const targets = to === "everyone" ? [null] : to;
  const last = spendAllowance(context, targets.length);
  const time = timeAfter(now(), [last, answered && sentAt(answered)]);
  const seq = Math.max(time, (last ?? 0) + 1);
  context.pace.sent = seq + targets.length - 1; // the next one is later, be this one published by then or not
  const extras: MessageExtras = {
    kind: options.kind,
    thread: thread && (thread.thread ?? thread.id),
    reply_to: answered?.id,
    batch: targets.length > 1 ? newId("batch", time) : undefined,
    ack_required: options.ack,
    expires_at: options.expiresMs === undefined ? undefined : expiry(now(), options.expiresMs),
    answer_by: to === "everyone" ? noDeadline(options) : answerBy(options, now()),
    claims: options.claims,
    via,
    hops: chain.hops,
    chain: chain.chain,
  };
  const from = { from_session: session, from_agent: agent, content };
  return targets.map((to_session, index) =>
    compose(
      { id: newId("msg", time + index), ...from, to_session, time: time + index, seq: seq + index },
      { ...extras, to_name: to_session === null ? undefined : names?.get(to_session) },
    ),
  );
}

/** Publishes all messages. Who answers a message has read it: it gets the receipt, and the ack if it asks. */
export async function publishAll(
  context: Context,
  { messages, answered, report }: Prepared,
  published?: ReadonlyMap<Message, string[] | RelayError>,
): Promise<Sent> {
  const outcomes = published ?? new Map(await publishTogether(context, messages));
  const reached: string[] = [];
  const sent: Message[] = [];
  let failed: RelayError | undefined;
  for (const message of messages) {
    const outcome = outcomes.get(message) ?? [];
    if (outcome instanceof RelayError) failed ??= outcome;
    else {
      sent.push(message);
      reached.push(...outcome);
    }
  }
  if (failed) throw sent.length === 0 ? failed : halfSent(failed, sent);
  if (answered && isFor(context.session, answered))
    await (asks(answered) ? ack(context, answered.id) : stampRead(context, [answered]));
  const [first] = messages;
  if (first && context.agent === "human" && context.via === undefined)
    await context.store.mark(PERSON_SPOKE, sentAt(first));
  return sentResult(messages, reached, report && (await withFull(context, reached, report)));
}

/** The report with `is_full` for each recipient that is still known and was not reached. */
async function withFull(context: Context, reached: readonly string[], report: Recipient[]): Promise<Recipient[]> {
  const marked: Recipient[] = [];
  for (const one of report) {
    const isFull = !reached.includes(one.session_id) && (await isKnown(context, one.session_id));
    marked.push(isFull ? { ...one, is_full: true } : one);
  }
  return marked;
}

/** Publishes messages in their order; for each, the sessions whose inboxes list it, or why it was not. */
export async function publishTogether(
  context: Context,
  messages: readonly Message[],
): Promise<(readonly [Message, string[] | RelayError])[]> {
  const { store, session, now } = context;
  for (const { id, thread } of messages)
    if (thread !== undefined && isSegment(thread)) await store.mark(`threads/${thread}/${id}`, now());
  const records = messages.map((message) => publication(message, session));
  const together = messages.length > 1 ? await store.publishTogether?.(records) : undefined;
  const done: (readonly [Message, string[] | RelayError])[] = [];
  for (const [index, message] of messages.entries()) {
    const record = records[index];
    if (!record) continue;
    const { key, value, delivery } = record;
    const outcome = together?.[index] ?? (await orError(() => store.publish(key, value, delivery)));
    if (!(outcome instanceof RelayError)) await noteSent(context, message.seq ?? 0);
    done.push([message, outcome]);
  }
  return done;
}

function publication(message: Message, session: string): Published {
  const { id, to_session: to } = message;
  const delivery: Delivery =
    to === null
      ? { inboxes: [], index: "all", everyoneIn: "agents", except: session, isNew: true }
      : { inboxes: [to], isNew: true };
  return { key: `messages/${id}`, value: message, delivery };
}

/** The error of a send that reached only some recipients: to send it all again would tell those twice. */
function halfSent(error: RelayError, sent: readonly Message[]): RelayError {
  const done = sent.map(({ id, to_session }) => `${to_session} (${id})`).join(", ");
  return new RelayError(error.code, `${error.message}; sent already to ${done}`, {
    cause: error,
    next: "send it again to those who are left only",
  });
}

function sentResult(messages: readonly Message[], reached: readonly string[], report: Recipient[] | undefined): Sent {
  const batch = messages[0]?.batch;
  const recipients = report ?? reached.map((session_id) => ({ session_id }));
  return { id: messages[0]?.id ?? "", ...(batch !== undefined && { batch }), messages, recipients };
}

const DEFAULT_DEADLINE_MS = 3_600_000; // to answer a message that asks for an `ack`

function answerBy(
  { ack, deadlineMs = ack ? DEFAULT_DEADLINE_MS : undefined }: SendOptions,
  now: number,
): string | undefined {
  if (deadlineMs === undefined) return undefined;
  return expiry(now, checkTimeout(deadlineMs));
}

/** A broadcast has no deadline: no single recipient can be late. Each is asked at each read until it acks. */
function noDeadline({ deadlineMs }: SendOptions): undefined {
  if (deadlineMs === undefined) return undefined;
  throw new RelayError("usage", "Cannot give everyone a deadline: nobody would be the one that is late", {
    next: "name who has to answer: agent-relay send --to <who> --deadline 10m",
  });
}

function expiry(now: number, after: number): string {
  const at = new Date(now + after);
  if (!(after > 0) || Number.isNaN(at.getTime()))
    throw new RelayError("usage", `Cannot let a message expire after ${after} ms`, {
      next: 'agent-relay send --expires 1h "..."',
    });
  return at.toISOString();
}

/** Sends an answer to the sender of message `id`, in its conversation, which is a receipt for it, and the ack if it asks. Throws `not_found`. */
export async function reply(context: Context, id: string, content: string, options: SendOptions = {}): Promise<Sent> {
  checkOptions("reply", options, SEND_OPTIONS);
  const answered = await messageFor(context, id);
  if (options.to !== undefined)
    return send(context, content, { ...options, keep: options.keep ?? true, replyTo: answered.id });
  const to = answered.from_session === context.session ? answered.to_session : answered.from_session;
  await checkAndRegister(context, content, options);
  const recipients: Recipients = { to: to === null ? "everyone" : [checkSegment(to, "session id")] };
  return publishAll(context, await composed(context, content, { ...options, replyTo: answered.id }, recipients));
}

/** The address, if `to` is one session id that this process has checked within the last second. */
function recentlySeen(context: Context, to: SendOptions["to"]): Address | undefined {
  return typeof to === "string" && to !== context.session && isSeenLately(context, to) ? [to] : undefined;
}

async function resolveRecipients(context: Context, given: SendOptions["to"], keep: boolean): Promise<Recipients> {
  if (given === undefined) return { to: "everyone" };
  const to = [given].flat();
  const [only] = to;
  const isPlainId =
    to.length === 1 && only !== undefined && only !== context.session && isSegment(only) && only !== "all";
  if (isPlainId && (await isKnown(context, only))) {
    context.seen.set(only, context.now());
    return { to: [only] };
  }
  const [here, left] = [await registrations(context), await ended(context)];
  const lost = await lostHolders(context, to, [...here, ...left]);
  const named = [...left, ...here].filter(({ name, session_id }) => name !== session_id && to.includes(name ?? ""));
  return {
    to: resolve(to, context.session, here, { ended: [...left, ...lost], keep }),
    names: new Map(named.map(({ session_id, name = "" }) => [session_id, name])),
  };
}

async function reportOn(context: Context, to: Address, report: true | "all"): Promise<Recipient[]> {
  const sessions =
    to === "everyone"
      ? (await registrations(context)).map((agent) => agent.session_id).filter((id) => id !== context.session)
      : to;
  const recipients: Recipient[] = [];
  for (const session_id of sessions) {
    const agent = await find(context, session_id);
    const isCounted = to !== "everyone" || report === "all";
    recipients.push({
      session_id,
      ...(agent?.name === undefined ? {} : { name: agent.name }),
      presence: agent?.presence ?? "unknown",
      ...(agent === undefined ? {} : { last_seen: agent.last_seen }),
      ...(agent?.told_by === undefined ? {} : { told_by: agent.told_by }),
      ...(agent?.looked_at === undefined ? {} : { looked_at: agent.looked_at }),
      ...(agent?.ended_at === undefined ? {} : { ended_at: agent.ended_at }),
      ...(isCounted && { unread_before: await countUnread(context, session_id) }),
    });
  }
  return recipients;
}
