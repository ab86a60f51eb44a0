import { idFor, timeOf } from "../id.ts";
import { type Message, sentAt } from "../messages/message.ts";
import { sha256 } from "./replica.ts";

/** What a mirror remembers of the messages it has passed on; all of it can be found out again. */
export interface MessageProgress {
  /** All messages up to this time (Unix ms) were looked at since the start, and passed on unless in `refused`. */
  until: number;
  /** Ids of messages that are known to be on both sides. */
  readonly both: Set<string>;
  /** Sessions whose messages on the server were listed since the start. */
  readonly listed: Set<string>;
  /** Messages of no use here (no broadcast, expired, or collected), and those whose withdrawal was passed on. */
  readonly useless: Set<string>;
  /** Messages of ours that the server does not take: id to the time of the last try (Unix ms). */
  readonly refused: Map<string, number>;
  /** Messages whose receipts may still change: id to the time the server was last asked (Unix ms). */
  readonly awaited: Map<string, number>;
  /** Messages that have another id on the server: their id there to their id here. */
  readonly renamed: Map<string, string>;
  /** Session to the unread messages in its inbox here at the last look. */
  readonly waiting: Map<string, ReadonlySet<string>>;
}

/** A message's id on the server. An id that another program made is none there, so one is derived from it. */
export function idThere(message: Message): string {
  if (timeOf(message.id) !== undefined) return message.id;
  return idFor("msg", sentAt(message), sha256(message.id));
}
