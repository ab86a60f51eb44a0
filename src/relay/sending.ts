import { RelayError } from "../errors.ts";
import { reply, type SendOptions, type Sent, send } from "../messages/send.ts";
import { type SendItem, sendMany } from "../messages/send-many.ts";
import type { Acting } from "./acting.ts";

/** Sends, and notes the deadlines of what asks for an answer, so that its sender is told of a late one. */
export class Sending {
  readonly #acting: Acting;

  constructor(acting: Acting) {
    this.#acting = acting;
  }

  async one(content: string, options?: SendOptions): Promise<Sent> {
    return this.#expectingAnswers(await send(this.#acting.mine(), content, options));
  }

  async many(items: readonly SendItem[]): Promise<(Sent | RelayError)[]> {
    const all = await sendMany(this.#acting.mine(), items);
    return Promise.all(all.map((one) => (one instanceof RelayError ? one : this.#expectingAnswers(one))));
  }

  async reply(id: string, content: string, options?: SendOptions): Promise<Sent> {
    return this.#expectingAnswers(await reply(this.#acting.mine(), id, content, options));
  }

  async #expectingAnswers(sent: Sent): Promise<Sent> {
    if (sent.messages.some(({ answer_by }) => answer_by !== undefined)) {
      const { expectAnswers } = await import("../waits/deadline.ts");
      await expectAnswers(this.#acting.mine(), sent.messages);
    }
    return sent;
  }
}
