import { BoundedMap } from "../bounded-map.ts";
import { mayRead } from "../messages/message.ts";
import { readMessage } from "../messages/records.ts";
import { eachReadable } from "../store/read.ts";
import type { Store } from "../store/store.ts";

const MAX_MESSAGES = 200_000; // messages whose ends are remembered: some 30 MB

/** Sender and recipient of messages. They never change, so each message is read once, however often it is asked for. */
export class Participants {
  readonly #store: Store;
  readonly #known = new BoundedMap<string, { readonly from: string; readonly to: string | null }>(MAX_MESSAGES);

  constructor(store: Store) {
    this.#store = store;
  }

  /** Of these, the ids of messages that the session may read. Whose a message is that cannot be read now is not known. */
  readonly readable = async (session: string, ids: readonly string[]): Promise<string[]> => {
    const found: string[] = [];
    for await (const [id, isEnd] of eachReadable(this.#store, ids, (each) => this.#isEnd(session, each)))
      if (isEnd) found.push(id);
    return found;
  };

  async #isEnd(session: string, id: string): Promise<boolean> {
    const known = this.#known.get(id);
    if (known) return known.to === null || known.to === session || known.from === session;
    const message = await readMessage(this.#store, id);
    if (!message) return false;
    this.#known.set(id, { from: message.from_session, to: message.to_session });
    return mayRead(session, message);
  }
}
