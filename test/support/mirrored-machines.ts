import { expect } from "vitest";
import { AuthorizedStore } from "../../src/access/authorized-store.ts";
import { Mirror } from "../../src/mirror/round.ts";
import { Relay } from "../../src/relay.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { Killed } from "./killable-store.ts";

/** A session that its own machine has not passed on yet gets no mail on the server: the mirror says so, and tries again. */
const KNOWN_LATER = /^message \S+ is not passed on yet: Cannot send to "\w+": the server knows no such session$/;

const NOON = Date.parse("2026-05-01T12:00:00Z");

/** Machines that mirror one server, all in memory; a mirror may be killed just before any of its calls. */
export class Scene {
  now = NOON;
  readonly server = new MemoryStore({ now: () => this.now });
  readonly machines: readonly { readonly user: string; readonly local: MemoryStore }[];
  /** How many calls the next mirrors may still make. */
  left = Number.POSITIVE_INFINITY;

  constructor(users: readonly string[]) {
    this.machines = users.map((user) => ({ user, local: new MemoryStore({ now: () => this.now }) }));
  }

  as(user: string): Relay {
    const { local } = this.#machine(user);
    return new Relay(`/${user}/.relay`, { session: `${user}1`, agent: "claude", store: local, now: () => this.now });
  }

  /** A mirror that has just been started: it remembers nothing. */
  mirror(user: string): Mirror {
    const owner = `${user}/laptop`;
    const { now } = { now: () => this.now };
    return new Mirror({
      ...{ project: `/${user}`, owner, relay: "relay-x", now, ahead: () => 0 },
      local: this.#mortal(this.#machine(user).local),
      remote: (session) => this.#mortal(new AuthorizedStore(this.server, { session, owner }, { now })),
      notice: (text) => expect(text).toMatch(KNOWN_LATER),
    });
  }

  async rounds(count: number): Promise<void> {
    const mirrors = this.machines.map(({ user }) => this.mirror(user));
    for (let round = 0; round < count; round++) for (const mirror of mirrors) await mirror.round();
  }

  #machine(user: string) {
    const found = this.machines.find((each) => each.user === user);
    if (!found) throw new Error(`no machine of ${user}`);
    return found;
  }

  #mortal(store: Store): Store {
    return new Proxy(store, {
      get: (_, name) => {
        const found: unknown = Reflect.get(store, name);
        if (typeof found !== "function") return found;
        return (...args: unknown[]) => {
          if (this.left-- <= 0) throw new Killed();
          return found.apply(store, args);
        };
      },
    });
  }
}
