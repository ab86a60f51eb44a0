import { MemoryStore, Relay, type RelayOptions } from "../../src/index.ts";
import { toldTo } from "./system-messages.ts";

export const NOON = Date.parse("2026-03-01T12:00:00.000Z");

export const MINUTE = 60_000;

export const HOUR = 60 * MINUTE;

/** A relay in memory by a clock the test holds, in which ann, bob and cay are agents, and pat is a person. */
export class World {
  clock = NOON;
  readonly store = new MemoryStore({ now: () => this.clock });
  readonly #options: RelayOptions;

  private constructor(options: RelayOptions) {
    this.#options = options;
  }

  static async of(options: RelayOptions = {}): Promise<World> {
    const world = new World(options);
    for (const session of ["ann", "bob", "cay", "pat"]) await world.as(session).agents.register();
    return world;
  }

  as(session: string): Relay {
    const { store } = this;
    const agent = session === "pat" ? "human" : "claude";
    return new Relay("/nowhere/.relay", {
      session,
      name: session,
      agent,
      store,
      now: () => this.clock,
      ...this.#options,
    });
  }

  /** A second later, so that each message has a time of its own. */
  later(): void {
    this.clock += 1000;
  }

  /** What an inbox shows, as texts; what was shown before is marked as still open. */
  async shown(session: string): Promise<string[]> {
    const { items } = await this.as(session).inbox({ limit: 100 });
    return items.map(({ message, is_open }) => (is_open ? `open: ${message.content}` : message.content));
  }

  toldTo(session: string): Promise<string[]> {
    return toldTo(this.store, session);
  }
}
