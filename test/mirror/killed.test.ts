import { expect, test } from "vitest";
import { Mirror } from "../../src/mirror/mirror.ts";
import { Relay } from "../../src/relay.ts";
import { RuledStore } from "../../src/rules/ruled-store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { Killed } from "../fateful-store.ts";

const NOON = Date.parse("2026-05-01T12:00:00Z");

/** Two machines that mirror one server, all in memory; a mirror may be killed just before any of its calls. */
class Scene {
  now = NOON;
  readonly server = new MemoryStore({ now: () => this.now });
  readonly machines = ["ann", "bob"].map((user) => ({ user, local: new MemoryStore({ now: () => this.now }) }));
  /** How many calls the next mirrors may still make. */
  left = Number.POSITIVE_INFINITY;

  as(user: string): Relay {
    const { local } = this.#machine(user);
    return new Relay(`/${user}/.relay`, { session: `${user}1`, agent: "claude", store: local, now: () => this.now });
  }

  /** A mirror that has just been started: it remembers nothing. */
  mirror(user: string): Mirror {
    const owner = `${user}/laptop`;
    const { now } = { now: () => this.now };
    return new Mirror({
      ...{ project: `/${user}`, owner, relay: "relay-x", now },
      local: this.#mortal(this.#machine(user).local),
      remote: (session) => this.#mortal(new RuledStore(this.server, { session, owner }, { now })),
      notice: (text) => expect(text).toBe(""),
    });
  }

  async rounds(count: number): Promise<void> {
    const mirrors = ["ann", "bob"].map((user) => this.mirror(user));
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

async function scene(): Promise<Scene> {
  const made = new Scene();
  await made.as("ann").register();
  await made.as("bob").register();
  await made.rounds(2);
  await made.as("ann").send("direct", { to: "bob1", ack: true });
  await made.as("ann").send("to all");
  await made.as("bob").send("back", { to: "ann1" });
  return made;
}

const texts = async (relay: Relay) => (await relay.inbox()).items.map(({ message }) => message.content).sort();

test("a mirror that is killed before any one of its calls, and started anew, loses nothing and delivers nothing twice", async () => {
  const whole = await scene();
  whole.left = 1e6;
  await whole.rounds(2);
  const calls = 1e6 - whole.left;
  expect(calls).toBeGreaterThan(50);
  for (let killedAt = 0; killedAt < calls; killedAt++) {
    const one = await scene();
    one.left = killedAt;
    await one.rounds(2).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
    });
    one.left = Number.POSITIVE_INFINITY;
    one.now += 1000;
    await one.rounds(2);
    expect(await texts(one.as("bob")), `killed before call ${killedAt}`).toEqual(["direct", "to all"]);
    expect(await texts(one.as("ann")), `killed before call ${killedAt}`).toEqual(["back"]);
    for (let round = 0; round < 2; round++) {
      one.now += 60_000;
      await one.rounds(2);
    }
    expect(await texts(one.as("ann"))).toEqual([]);
    expect((await one.as("bob").inbox()).items.map(({ message, is_open }) => [message.content, is_open])).toEqual([
      ["direct", true],
    ]);
    const read = async (of: Store) =>
      Object.fromEntries(
        await Promise.all(
          (await of.list("messages")).map(async (id) => [id, (await of.get(`messages/${id}`))?.read_by]),
        ),
      );
    const [there, ...here] = [
      await read(one.server),
      ...(await Promise.all(one.machines.map(({ local }) => read(local)))),
    ];
    for (const each of here) expect(each, `killed before call ${killedAt}`).toEqual(there);
  }
});
