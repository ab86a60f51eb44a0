import { Relay } from "../../src/index.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { tempDir } from "./cli.ts";

/** Sessions of one project in memory, by a clock the test holds. */
export class Town {
  clock = Date.parse("2026-03-01T12:00:00Z");
  readonly store = new MemoryStore({ now: () => this.clock });
  readonly project = tempDir();
  readonly #relays = new Map<string, Relay>();

  as(session: string): Relay {
    const known = this.#relays.get(session);
    const options = { session, name: session, agent: "claude", store: this.store, now: () => this.clock };
    const relay = known ?? new Relay(`${this.project}/.relay`, options);
    this.#relays.set(session, relay);
    return relay;
  }

  async unread(session: string): Promise<string[]> {
    return (await this.as(session).inbox()).items.map(({ message }) => message.content);
  }
}
