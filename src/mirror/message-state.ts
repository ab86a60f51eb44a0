import { idFor, timeOf } from "../id.ts";
import { type Message, sentAt } from "../messages/message.ts";
import { sha256 } from "./replica.ts";

/** What a mirror remembers of the messages it has passed on; all of it can be found out again. */
export interface MessageProgress {
  /** Everything up to this time (Unix ms) was looked at since the start, and passed on, but for what is in `refused`. */
  until: number;
  /** Known to be on both sides. */
  readonly both: Set<string>;
  /** Sessions of whose messages it was asked, since the start, which are on the server. */
  readonly listed: Set<string>;
  /** There, and of no use here: they have run out, or were collected. */
  readonly useless: Set<string>;
  /** Of ours, which the server does not take: when it was asked last (Unix ms). */
  readonly refused: Map<string, number>;
  /** Who reads them may still tell: when that was asked for last (Unix ms). */
  readonly awaited: Map<string, number>;
  /** The ids here of those that have another there. */
  readonly renamed: Map<string, string>;
  /** What waited for each session here when it was looked at last. */
  readonly waiting: Map<string, ReadonlySet<string>>;
}

/** The id that a message has on the server, where one that another program made would not be one. */
export function idThere(message: Message): string {
  if (timeOf(message.id) !== undefined) return message.id;
  return idFor("msg", sentAt(message), sha256(message.id));
}
