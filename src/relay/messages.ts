import type { RelayError } from "../errors.ts";
import { checkOptions } from "../limits.ts";
import { type HistoryOptions, history, type MessageList, thread } from "../messages/history.ts";
import { type UnreadOptions, unread, unreadCount } from "../messages/inbox.ts";
import type { Message } from "../messages/message.ts";
import { ack, markRead, withdraw } from "../messages/receipts.ts";
import { messageFor } from "../messages/records.ts";
import type { Sent } from "../messages/send.ts";
import type { SendItem } from "../messages/send-many.ts";
import type { Acting } from "./acting.ts";
import { foundOr } from "./found.ts";
import { HISTORY, UNREAD } from "./options.ts";
import type { Sending } from "./sending.ts";

/** The messages that this session may read: `relay.messages`. */
export class Messages {
  readonly #acting: Acting;
  readonly #sending: Sending;

  /** @internal */
  constructor(acting: Acting, sending: Sending) {
    this.#acting = acting;
    this.#sending = sending;
  }

  /** Sends several in their order, flushed together. The place of one that cannot be sent has the error; the others are sent. */
  async sendMany(items: readonly SendItem[]): Promise<(Sent | RelayError)[]> {
    return this.#sending.many(items);
  }

  /** One message, by its id or a unique beginning or end of it. Throws `not_found`. */
  async get(id: string): Promise<Message> {
    return messageFor(await this.#acting.seen(), id);
  }

  /** `get`, and undefined where there is none. */
  async find(id: string): Promise<Message | undefined> {
    return foundOr(this.get(id));
  }

  /** The unread messages, in order, at most 1,000, without those `except`; marks nothing. */
  async unread(options?: UnreadOptions): Promise<MessageList> {
    checkOptions("list unread messages", options, UNREAD);
    return unread(this.#acting.mine(), options);
  }

  /** How many messages are unread; 1,001 means more than 1,000. */
  async unreadCount(): Promise<number> {
    return unreadCount(this.#acting.mine());
  }

  /** Messages sent and received, in order, the newest `limit`; marks nothing. */
  async history(options?: HistoryOptions): Promise<MessageList> {
    checkOptions("list messages", options, HISTORY);
    return history(await this.#acting.seen(), options);
  }

  /** A whole conversation, by the id of any message in it, in order. Throws `not_found`. */
  async thread(id: string): Promise<Message[]> {
    return thread(await this.#acting.seen(), id);
  }

  /** Marks messages as read without showing them. Returns those that were for this session. Throws `not_found`. */
  async markRead(ids: string | readonly string[]): Promise<Message[]> {
    return markRead(await this.#acting.seen(), [ids].flat());
  }

  /** Says that a message was dealt with. Throws `not_found`, and `refused` if it was not for this session. */
  async ack(id: string): Promise<Message> {
    return ack(await this.#acting.seen(), id);
  }

  /** Takes back a message: nobody who has not read it will see it. Throws `not_found`, `refused` if another sent it. */
  async withdraw(id: string): Promise<Message> {
    return withdraw(await this.#acting.seen(), id);
  }
}
