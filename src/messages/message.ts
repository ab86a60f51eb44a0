import { RelayError } from "../errors.ts";
import { shortId, timeOf } from "../id.ts";
import { Proof } from "../identity/proof.ts";
import { extra, flag, integer, list, nullable, object, oneOf, record, type Schema, text } from "../schema.ts";
import { iso } from "../time.ts";

export const KINDS = ["info", "question", "ack", "request-yield", "status", "decision", "permission"] as const;
/** What a message is for: `question`, `request-yield` and `permission` ask for an answer. */
export type MessageKind = (typeof KINDS)[number];

const ASKING: readonly MessageKind[] = ["question", "request-yield", "permission"];

/** The answers to a message of kind `permission`. */
export const VERDICTS = ["allow", "deny"] as const;
export type PermissionVerdict = (typeof VERDICTS)[number];

/** What became of a message at one session. */
export type Receipt = {
  /** When it was shown. ISO 8601. */
  readonly read_at?: string;
  /** When it was answered, or said to be dealt with. ISO 8601. */
  readonly acked_at?: string;
  /** The answer to a `permission`. */
  readonly verdict?: PermissionVerdict;
};

/** @internal */
export const Receipt: Schema<Receipt> = object({
  read_at: extra(text()),
  acked_at: extra(text()),
  verdict: extra(oneOf(VERDICTS)),
});

/**
 * A message as it is on disk, in `--json` and here. The first seven fields are those of the `agent-relay` crate, with
 * its types and units; the rest may be missing, because the crate drops them when it rewrites a message.
 */
export type Message = {
  readonly id: string;
  /** Its sender; `system`: the relay itself. */
  readonly from_session: string;
  /** Which tool the sender is. */
  readonly from_agent: string;
  /** One session, or null for everyone. */
  readonly to_session: string | null;
  /** What its sender wrote: data, not instructions. */
  readonly content: string;
  /** Unix seconds; `sent_at` is exact. */
  readonly timestamp: number;
  /** The sessions that were shown it, its sender first. */
  readonly read_by: readonly string[];
  /** ISO 8601. */
  readonly sent_at?: string;
  /** Grows with each message of one sender, also when the clock steps back. */
  readonly seq?: number;
  /** What it is for; default `info`. */
  readonly kind?: MessageKind;
  /** The id of the message that began the conversation. */
  readonly thread?: string;
  /** The id of the message that it answers. */
  readonly reply_to?: string;
  /** Shared by the messages of one send to several. */
  readonly batch?: string;
  /** Its recipient is asked to answer, or to `ack` it: each look shows it again until then. */
  readonly ack_required?: boolean;
  /** The agent that sent it, where `from_agent` is another, or a person: it was not seen at a terminal. */
  readonly via?: string;
  /** The name that its sender wrote to, if it wrote to one: what is unread goes to who has it next. */
  readonly to_name?: string;
  /** The deadline: the sender is told if no answer has come by then. ISO 8601. */
  readonly answer_by?: string;
  /** The ids of the claims that a request to yield asks for. */
  readonly claims?: readonly string[];
  /** How many answers of agents alone came before it in its conversation. */
  readonly hops?: number;
  /** The sessions that they were from, the last at the end. */
  readonly chain?: readonly string[];
  /** No inbox shows the message after it. ISO 8601. */
  readonly expires_at?: string;
  /** When its sender took it back. ISO 8601. */
  readonly withdrawn_at?: string;
  /** By session. */
  readonly receipts?: Readonly<Record<string, Receipt>>;
  /** By the key of the machine that sent it over the network. */
  readonly signature?: {
    /** The `<user>/<machine>` that it says that it is of. */
    readonly by: string;
    /** The public key. */
    readonly key: string;
    /** The signature itself, base64url. */
    readonly value: string;
  };
  /** By a person's or agent's SSH key. */
  readonly ssh_signature?: {
    /** Whose it says that it is. */
    readonly signer: string;
    /** The signature itself, armoured. */
    readonly value: string;
  };
  /** What is known here of its origin, where it came over the network. */
  readonly proof?: Proof;
};

/** @internal */
export const Message: Schema<Message> = object({
  id: text(),
  from_session: text(),
  from_agent: text(),
  to_session: nullable(text()),
  content: text(),
  timestamp: integer(),
  read_by: list(text()),
  sent_at: extra(text()),
  seq: extra(integer()),
  kind: extra(oneOf(KINDS)),
  thread: extra(text()),
  reply_to: extra(text()),
  batch: extra(text()),
  ack_required: extra(flag()),
  via: extra(text()),
  to_name: extra(text()),
  answer_by: extra(text()),
  claims: extra(list(text())),
  hops: extra(integer()),
  chain: extra(list(text())),
  expires_at: extra(text()),
  withdrawn_at: extra(text()),
  receipts: extra(record(Receipt)),
  signature: extra(object({ by: text(), key: text(), value: text() })),
  ssh_signature: extra(object({ signer: text(), value: text() })),
  proof: extra(Proof),
});

/** The fields of a message that its sender may set beyond the text. */
export interface MessageExtras {
  readonly kind?: MessageKind | undefined;
  readonly thread?: string | undefined;
  readonly reply_to?: string | undefined;
  readonly batch?: string | undefined;
  readonly to_name?: string | undefined;
  readonly via?: string | undefined;
  readonly ack_required?: boolean | undefined;
  readonly expires_at?: string | undefined;
  readonly answer_by?: string | undefined;
  readonly claims?: readonly string[] | undefined;
  readonly hops?: number | undefined;
  readonly chain?: readonly string[] | undefined;
}

export interface MessageDraft {
  readonly id: string;
  readonly from_session: string;
  readonly from_agent: string;
  readonly to_session: string | null;
  readonly content: string;
  /** Unix ms. */
  readonly time: number;
  readonly seq: number;
}

/** What the relay's own messages are from. */
export const SYSTEM_AGENT = "agent-relay";

/** A message from the relay itself to a session, or to all. */
export function systemDraft(id: string, to_session: string | null, content: string, time: number): MessageDraft {
  return { id, from_session: "system", from_agent: SYSTEM_AGENT, to_session, content, time, seq: time };
}

/** A new message, in the crate's order of fields. */
export function compose(draft: MessageDraft, extras: MessageExtras = {}): Message {
  const { id, from_session, from_agent, to_session, content, time, seq } = draft;
  const message: { -readonly [Field in keyof Message]: Message[Field] } = {
    id,
    from_session,
    from_agent,
    to_session,
    content: content.toWellFormed(),
    timestamp: Math.floor(time / 1000),
    read_by: [from_session],
    sent_at: iso(time),
    seq,
  };
  if (extras.kind !== undefined) message.kind = extras.kind;
  if (extras.thread !== undefined) message.thread = extras.thread;
  if (extras.reply_to !== undefined) message.reply_to = extras.reply_to;
  if (extras.batch !== undefined) message.batch = extras.batch;
  if (extras.to_name !== undefined) message.to_name = extras.to_name;
  if (extras.via !== undefined) message.via = extras.via;
  if (extras.ack_required) message.ack_required = true;
  if (extras.expires_at !== undefined) message.expires_at = extras.expires_at;
  if (extras.answer_by !== undefined) message.answer_by = extras.answer_by;
  if (extras.claims !== undefined) message.claims = extras.claims;
  if (extras.hops) message.hops = extras.hops;
  if (extras.hops && extras.chain) message.chain = extras.chain;
  return message;
}

/** Throws `usage` for an empty body and `limit` for one of more than `maxBytes` bytes of UTF-8. */
export function checkBody(content: string, maxBytes: number): string {
  if (!/\S/.test(content))
    throw new RelayError("usage", "Cannot send an empty message", {
      next: 'agent-relay send "your text", or agent-relay send - to read it from stdin',
    });
  const size = Buffer.byteLength(content);
  if (size > maxBytes)
    throw new RelayError("limit", `Cannot send ${size} bytes: a message has at most ${maxBytes}`, {
      next: "write it to a file in the project and send the file's path",
    });
  return content;
}

/** Throws `usage` for an unknown kind. */
export function checkKind(kind: string): void {
  if (!KINDS.some((known) => known === kind))
    throw new RelayError("usage", `Cannot send a "${kind}": the kinds are ${KINDS.join(", ")}`);
}

/** Whether `session` may read the message: its sender and recipient may, and everyone may read a broadcast. */
export function mayRead(session: string, message: Message): boolean {
  return message.to_session === null || message.to_session === session || message.from_session === session;
}

export function isFor(session: string, message: Message): boolean {
  return message.from_session !== session && (message.to_session === null || message.to_session === session);
}

export function isUnread(session: string, message: Message, now: number): boolean {
  return isFor(session, message) && isLive(message, now) && !message.read_by.includes(session);
}

/** Neither expired nor withdrawn. */
export function isLive(message: Message, now: number): boolean {
  if (message.withdrawn_at !== undefined) return false;
  const expiry = message.expires_at === undefined ? Number.NaN : Date.parse(message.expires_at);
  return Number.isNaN(expiry) || expiry > now;
}

/** Whether the message asks for an answer: to read it is not enough. */
export function asks(message: Message): boolean {
  return message.ack_required === true || ASKING.some((kind) => kind === message.kind);
}

/** Whether `session` owes the message an answer, whether it has read it or not. */
export function isOpen(session: string, message: Message, now: number): boolean {
  const isAcked = message.receipts?.[session]?.acked_at !== undefined;
  return isFor(session, message) && isLive(message, now) && asks(message) && !isAcked;
}

/** The message with `session`'s receipt. The same object if it has one. */
export function withRead(message: Message, session: string, at: number): Message {
  if (message.read_by.includes(session)) return message;
  return withReceipt({ ...message, read_by: [...message.read_by, session] }, session, { read_at: iso(at) });
}

/** The message as answered by `session`, which counts as read too. The same object if it was answered. */
export function withAck(message: Message, session: string, at: number): Message {
  if (message.receipts?.[session]?.acked_at !== undefined) return message;
  return withReceipt(withRead(message, session, at), session, { acked_at: iso(at) });
}

/** The message with `session`'s verdict. Throws `conflict` if it has one. */
export function withVerdict(message: Message, session: string, verdict: PermissionVerdict, at: number): Message {
  const before = message.receipts?.[session]?.verdict;
  if (before !== undefined)
    throw new RelayError(
      "conflict",
      `Cannot answer ${shortId(message.id)} twice: "${before}" was the first answer, and counts`,
    );
  return withReceipt(withRead(message, session, at), session, { verdict });
}

/** The message as withdrawn. Throws `refused` for anyone but its sender. */
export function withdraw(message: Message, session: string, at: number, sender = message.from_session): Message {
  if (message.from_session !== session)
    throw new RelayError("refused", `Cannot withdraw "${shortId(message.id)}": ${sender} sent it, not you`);
  return message.withdrawn_at === undefined ? { ...message, withdrawn_at: iso(at) } : message;
}

const LAST_DATE = 8.64e15; // ms; the last that Date can show, and small enough that adding 1 still changes it

/** When the message was sent, Unix ms: by `sent_at`, else by its id, else by `timestamp`. */
export function sentAt(message: Message): number {
  const said = message.sent_at === undefined ? Number.NaN : Date.parse(message.sent_at);
  return Number.isNaN(said) ? (timeOf(message.id) ?? Math.min(message.timestamp * 1000, LAST_DATE)) : said;
}

function withReceipt(message: Message, session: string, receipt: Receipt): Message {
  const mine = { ...message.receipts?.[session], ...receipt };
  return { ...message, receipts: { ...message.receipts, [session]: mine } };
}
