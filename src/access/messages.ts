import { RelayError } from "../errors.ts";
import { MAX_CLOCK_LEAD_MS, timeOf } from "../id.ts";
import { withoutProof } from "../identity/proof.ts";
import { checkBody, checkKind, Message, mayRead, SYSTEM_AGENT, sentAt } from "../messages/message.ts";
import { isSegment } from "../store/key.ts";
import { type Delivery, nameOf, type Value } from "../store/store.ts";
import { jsonText } from "../text.ts";
import {
  type AccessFacts,
  type AccessRule,
  type Caller,
  isSame,
  type RecordChange,
  refused,
  touched,
} from "./policy.ts";

/** The ends of a message may read it; everyone may read a broadcast. Each changes only what it says of itself. */
export const messageRule: AccessRule = {
  mayRead: ({ session }, key, record) => {
    const message = parsed(key, record);
    return message !== undefined && mayRead(session, message);
  },
  check: checkChange,
};

function parsed(key: string, record: Value): Message | undefined {
  try {
    return Message.parse(record, key);
  } catch (error) {
    if (error instanceof RelayError) return undefined;
    throw error;
  }
}

const RECEIPT = ["read_at", "acked_at", "verdict"];

function isShort(value: unknown): boolean {
  return typeof value === "string" && value.length <= 64;
}

/** A receipt adds the caller's own session only. Only the sender withdraws a message. Any other field stays as sent. */
function checkChange({ session }: Caller, key: string, { old, next }: RecordChange): void {
  if (old === undefined || next === undefined)
    throw refused(key, "a message is sent, and is removed by the server alone");
  const [before, after] = [Message.parse(old, key), Message.parse(next, key)];
  const changed = touched(old, next);
  const odd = changed.find((field) => !["read_by", "receipts", "withdrawn_at"].includes(field));
  if (odd !== undefined) throw refused(key, `its ${odd} stays as it was sent`);
  if (changed.includes("withdrawn_at") && (before.from_session !== session || before.withdrawn_at !== undefined))
    throw refused(key, "who sent it takes it back, once");
  if (
    !isSame(
      after.read_by.filter((each) => each !== session),
      before.read_by.filter((each) => each !== session),
    )
  )
    throw refused(key, "each says of itself alone that it has read it");
  const mine = after.read_by.filter((each) => each === session).length;
  if (mine > 1 || (before.read_by.includes(session) && mine === 0)) throw refused(key, "what was read was read, once");
  const receipts = touched(before.receipts ?? {}, after.receipts ?? {});
  if (receipts.some((each) => each !== session)) throw refused(key, "each says of itself alone what it did about it");
  const receipt = Object(Object(next.receipts)[session]);
  const isPlain = Object.entries(receipt).every(([name, value]) => RECEIPT.includes(name) && isShort(value));
  if (!isPlain) throw refused(key, `a receipt has ${RECEIPT.join(", ")}, and nothing else`);
  const verdict = before.receipts?.[session]?.verdict;
  if (verdict !== undefined && after.receipts?.[session]?.verdict !== verdict)
    throw refused(key, "it was decided already");
}

const SEALED = '{"agent_relay_sealed":';

/** How many bytes a text of this many bytes takes when sealed: as base64, for a few keys. */
function sealedBytes(bytes: number): number {
  return Math.ceil((bytes * 4) / 3) + 2048;
}

/** How much a message may hold. */
export interface Sizes {
  /** Bytes of the text, in UTF-8. */
  readonly bodyBytes: number;
  /** Bytes of the whole record. */
  readonly recordBytes: number;
}

/**
 * A message as the caller may send it: from its own session, unread by anybody else, listed in its recipients' inboxes
 * and nowhere else. A remote caller sends a `system` message in its own name. Throws `refused`, `usage`, `limit`.
 */
export function checkedMessage(
  { session, owner }: Caller,
  key: string,
  value: Value,
  { bodyBytes, recordBytes }: Sizes,
  { now }: Pick<AccessFacts, "now">,
): { value: Value; delivery: Delivery } {
  const message = Message.parse(value, key);
  const isSystem = message.from_session === "system";
  if (message.from_session !== session && !isSystem)
    throw refused(key, `it says that ${jsonText(message.from_session)} sent it, and you are ${session}`);
  if (message.from_agent === SYSTEM_AGENT && owner !== undefined)
    throw refused(key, "it is not the relay that sends it");
  const sender = isSystem && owner === undefined ? "system" : session;
  if (message.id !== nameOf(key) || !message.id.startsWith("msg-") || timeOf(message.id) === undefined)
    throw refused(key, "its id is not one that a message has");
  checkBody(message.content, message.content.startsWith(SEALED) ? sealedBytes(bodyBytes) : bodyBytes);
  if (Buffer.byteLength(jsonText(value)) > recordBytes)
    throw new RelayError("limit", `Cannot send more than ${recordBytes} bytes beside a text`);
  if (message.kind !== undefined) checkKind(message.kind);
  if (sentAt(message) > now + MAX_CLOCK_LEAD_MS)
    throw new RelayError("usage", `Cannot send "${message.id}": its time is ahead of the server's`, {
      next: "set this machine's clock",
    });
  const read = message.read_by.some((each) => each !== message.from_session);
  if (read || message.receipts !== undefined || message.withdrawn_at !== undefined)
    throw refused(key, "nobody can have read it yet");
  const to = message.to_session;
  if (to !== null && !isSegment(to)) throw new RelayError("usage", `Cannot send to ${jsonText(to)}`);
  return {
    value: { ...withoutProof(value), from_session: sender, read_by: [sender] },
    delivery: to === null ? { inboxes: [], index: "all", everyoneIn: "agents", except: session } : { inboxes: [to] },
  };
}

/** The operator's message, if it is from the acting session or from `system`. Throws `refused`. */
export function ownOf({ session }: Caller, key: string, value: Value): Value {
  const from = value.from_session;
  if (from === undefined || from === session || from === "system") return withoutProof(value);
  throw refused(key, `it says that ${jsonText(from)} sent it, and you are ${session}`);
}

/** Whether the stored message is the one that was sent; receipts and a withdrawal since then do not count. */
export function isSameMessage(there: Value, sent: Value): boolean {
  return touched(there, sent).every((field) => ["read_by", "receipts", "withdrawn_at"].includes(field));
}
