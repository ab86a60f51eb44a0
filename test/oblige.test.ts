import { describe, expect, test } from "vitest";
import { MemoryStore, type Message, Relay, type RelayOptions, type Sent } from "../src/index.ts";
import { chainAfter, pauseBefore } from "../src/messages/loop-limit.ts";
import { compose } from "../src/messages/message.ts";
import { toldTo } from "./told.ts";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A relay in memory by a clock the test holds, in which ann, bob and cay are agents, and pat is a person. */
class World {
  clock = NOON;
  readonly store = new MemoryStore({ now: () => this.clock });
  readonly #options: RelayOptions;

  private constructor(options: RelayOptions) {
    this.#options = options;
  }

  static async of(options: RelayOptions = {}): Promise<World> {
    const world = new World(options);
    for (const session of ["ann", "bob", "cay", "pat"]) await world.as(session).register();
    return world;
  }

  as(session: string): Relay {
    const { store } = this;
    const agent = session === "pat" ? "human" : "claude";
    return new Relay("/nowhere/.relay", { session, agent, store, now: () => this.clock, ...this.#options });
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

describe("a message that obliges", () => {
  const settlings: [string, (world: World, id: string) => Promise<unknown>][] = [
    ["acks it", (world, id) => world.as("bob").ack(id)],
    ["answers it", (world, id) => world.as("bob").reply(id, "done")],
    ["answers it by --reply-to", (world, id) => world.as("bob").send("done", { to: "ann", reply_to: id })],
    ["has it taken back by its sender", (world, id) => world.as("ann").withdraw(id)],
  ];
  const asking = [{ ack: true }, { kind: "question" }, { kind: "request-yield", claims: ["src"] }] as const;

  test.each(settlings)("comes back at each look until its reader %s", async (_, settle) => {
    for (const how of asking) {
      const world = await World.of();
      const { id: held } = await world.as("bob").claim(["src"]);
      const { id } = await world
        .as("ann")
        .send("rebase now", { to: "bob", ...how, ...("claims" in how && { claims: [held] }) });
      expect(await world.shown("bob")).toEqual(["rebase now"]);
      for (const _ of [1, 2]) expect(await world.shown("bob")).toEqual(["open: rebase now"]);
      await settle(world, id);
      expect(await world.shown("bob")).toEqual([]);
    }
  });

  test("is no longer owed after it has expired, and what asks for nothing never comes back", async () => {
    const world = await World.of();
    await world.as("ann").send("by noon", { to: "bob", ack: true, expires: MINUTE });
    for (const kind of ["info", "ack", "status", "decision"] as const)
      await world.as("ann").send(kind, { to: "bob", kind });
    expect(await world.shown("bob")).toHaveLength(5);
    expect(await world.shown("bob")).toEqual(["open: by noon"]);
    world.clock += MINUTE;
    expect(await world.shown("bob")).toEqual([]);
    world.clock += 2 * HOUR;
    await world.as("cay").unreadCount();
    expect(await world.toldTo("ann"), "it could not be answered in time").toEqual([]);
  });

  test("to everyone comes back to each of them until that one has acked it", async () => {
    const world = await World.of();
    const { id } = await world.as("ann").send("pull", { ack: true });
    for (const session of ["bob", "cay"]) await world.shown(session);
    await world.as("bob").ack(id);
    expect(await world.shown("bob")).toEqual([]);
    expect(await world.shown("cay")).toEqual(["open: pull"]);
    expect(await world.shown("ann")).toEqual([]);
  });
});

describe("a deadline", () => {
  test("that passes is told to the sender exactly once, whoever looks and however often", async () => {
    const world = await World.of();
    const { id } = await world.as("ann").send("rebase now", { to: "bob", ack: true, deadline: 5 * MINUTE });
    expect((await world.as("bob").message(id)).answer_by).toBe("2026-03-01T12:05:00.000Z");
    await world.shown("bob");
    world.clock += 5 * MINUTE;
    await world.as("cay").unreadCount();
    expect(await world.toldTo("ann"), "the last moment is in time").toEqual([]);
    world.clock += 1;
    await Promise.all(["ann", "bob", "cay", "cay"].map((session) => world.as(session).unreadCount()));
    for (const session of ["cay", "ann", "bob"]) await world.as(session).unreadCount();
    const [told, ...more] = await world.toldTo("ann");
    expect(more).toEqual([]);
    expect(told).toMatch(
      new RegExp(`^You waited for bob to deal with ${id} \\(wait-\\w+\\), and it did not come in time$`),
    );
    expect(await world.shown("bob"), "and it is owed all the same").toEqual(["open: rebase now"]);
  });

  test("is an hour for what asks for an ack, and none for a question without one", async () => {
    const world = await World.of();
    await world.as("ann").send("rebase now", { to: "bob", ack: true });
    await world.as("cay").send("which port?", { to: "bob", kind: "question" });
    world.clock += HOUR + 1;
    await world.as("pat").unreadCount();
    expect(await world.toldTo("ann")).toHaveLength(1);
    world.clock += 24 * HOUR;
    await world.as("pat").unreadCount();
    expect(await world.toldTo("cay")).toEqual([]);
  });

  test.each([
    { how: "acked", settle: (world: World, id: string) => world.as("bob").ack(id) },
    { how: "answered", settle: (world: World, id: string) => world.as("bob").reply(id, "done") },
    { how: "taken back", settle: (world: World, id: string) => world.as("ann").withdraw(id) },
  ])("that is kept, since it was $how in time, is no news", async ({ settle }) => {
    const world = await World.of();
    const { id } = await world.as("ann").send("rebase now", { to: "bob", ack: true, deadline: MINUTE });
    world.clock += MINUTE - 1;
    await settle(world, id);
    world.clock += HOUR;
    for (const session of ["cay", "ann", "bob"]) await world.as(session).unreadCount();
    expect(await world.toldTo("ann")).toEqual([]);
    expect(await world.store.marks("waits/due"), "nothing is left to look at").toEqual([]);
  });

  test("of one message to several is each one's own", async () => {
    const world = await World.of();
    const sent: Sent = await world.as("ann").send("rebase", { to: ["bob", "cay"], ack: true, deadline: MINUTE });
    await world.as("bob").ack(sent.messages[0]?.id ?? "");
    world.clock += MINUTE + 1;
    await world.as("bob").unreadCount();
    expect(await world.toldTo("ann")).toEqual([expect.stringContaining(`cay to deal with ${sent.messages[1]?.id}`)]);
  });

  test("of a sender that has left is told to nobody", async () => {
    const world = await World.of();
    await world.as("ann").send("rebase now", { to: "bob", ack: true, deadline: MINUTE });
    await world.as("ann").unregister();
    world.clock += MINUTE + 1;
    await world.as("cay").unreadCount();
    expect(await world.toldTo("ann")).toEqual([]);
  });

  test("is neither none nor longer than a week", async () => {
    const world = await World.of();
    for (const deadline of [0, -1, 8 * 24 * HOUR, Number.NaN])
      await expect(world.as("ann").send("x", { to: "bob", ack: true, deadline })).rejects.toMatchObject({
        code: "usage",
      });
    expect(await world.store.list("messages"), "and nothing was sent").toEqual([]);
  });
});

describe("the loop guard's rules", () => {
  const message = (from_session: string, extras = {}): Message =>
    compose(
      { id: "msg-1", from_session, from_agent: "x", to_session: "z", content: "x", time: NOON, seq: NOON },
      extras,
    );

  test("an answer is one hop farther, and names who sent the last ones", () => {
    expect(chainAfter(undefined, "bob", false)).toEqual({ hops: 0, chain: [] });
    expect(chainAfter(message("ann"), "bob", false)).toEqual({ hops: 1, chain: ["ann", "bob"] });
    const far = message("ann", { hops: 9, chain: ["a", "b", "c", "d", "e", "f", "g", "ann"] });
    expect(chainAfter(far, "bob", false)).toEqual({ hops: 10, chain: ["b", "c", "d", "e", "f", "g", "ann", "bob"] });
    expect(chainAfter(far, "bob", true), "begins anew").toEqual({ hops: 0, chain: [] });
  });

  test("the first answers cost nothing; each further one waits a little longer, and none longer than 5 s", () => {
    const limits = { freeHops: 20, mostHops: 40 };
    const pauses = Array.from({ length: 60 }, (_, hops) => pauseBefore(hops, limits));
    expect(pauses.slice(0, 21)).toEqual(Array(21).fill(0));
    expect(pauses.slice(21, 24)).toEqual([250, 500, 750]);
    expect(pauses.slice(40)).toEqual(Array(20).fill(5000));
    expect(pauses.slice(0, 40).reduce((sum, pause) => sum + pause)).toBeLessThan(60_000);
  });
});

describe("agents that only answer each other", () => {
  const limits = { freeHops: 1e9, mostHops: 6 };

  /** Answers to and fro until one is refused. Returns the last message that was sent, and why there was no further one. */
  async function loop(world: World, first: Sent, sessions: readonly string[]) {
    let { id } = first;
    for (let count = 1; count < 100; count++) {
      world.later();
      try {
        const [me = "", next = ""] = [0, 1].map((step) => sessions[(count + step) % sessions.length]);
        ({ id } = await world.as(me).reply(id, `answer ${count}`, sessions.length === 2 ? {} : { to: next }));
      } catch (error) {
        return { count, id, error };
      }
    }
    throw new Error("nobody stopped them");
  }

  test("are stopped, and told why; the people here are told once", async () => {
    const world = await World.of({ limits });
    const first = await world.as("ann").send("hello", { to: "bob" });
    const { count, id, error } = await loop(world, first, ["ann", "bob"]);
    expect(count).toBe(limits.mostHops);
    expect(error).toMatchObject({
      code: "limit",
      message: "Cannot send: 6 messages went to and fro between ann, bob, with no person and no task moving",
      next: "do the work, or ask the person: agent-relay send --to human --kind question",
    });
    expect(await world.as("ann").message(id)).toMatchObject({
      hops: 5,
      chain: ["ann", "bob", "ann", "bob", "ann", "bob"],
    });
    for (const session of ["ann", "bob", "ann"])
      await world
        .as(session)
        .reply(id, "again")
        .catch((again) => expect(again.code).toBe("limit"));
    const told = `ann and bob have answered each other 6 times with no task moving, and were stopped; a word from you lets them go on`;
    expect(await world.toldTo("pat")).toEqual([`${told}: agent-relay send --to ann,bob "..."`]);
    for (const session of ["ann", "bob", "cay"]) expect(await world.toldTo(session)).toEqual([]);
    const { entries } = await world.as("pat").activity();
    expect(entries.filter(({ event }) => event === "loop.stopped")).toMatchObject([{ id: first.id, hops: 6 }]);
    expect((await world.as("ann").send("something else", { to: "bob" })).id, "elsewhere they may go on").toMatch(
      /^msg-/,
    );
  });

  test("are stopped in a circle of three too, and by way of --thread", async () => {
    const world = await World.of({ limits });
    const three = ["ann", "bob", "cay"];
    const first = await world.as("ann").send("hello", { to: "bob" });
    const stopped = await loop(world, first, three);
    expect(stopped.error).toMatchObject({ code: "limit", message: expect.stringContaining("between ann, bob, cay") });

    const { id: thread } = await world.as("ann").send("another matter", { to: "bob" });
    let sent = 1;
    const speak = async () => {
      world.later();
      const [me, you] = sent % 2 === 0 ? ["ann", "bob"] : ["bob", "ann"];
      await world.as(me).send("no", { to: you, thread });
    };
    await expect(
      (async () => {
        for (; sent < 100; sent++) await speak();
      })(),
    ).rejects.toMatchObject({ code: "limit" });
    expect(sent).toBe(limits.mostHops);
  });

  test("are slowed before they are stopped", async () => {
    const world = await World.of({ limits: { freeHops: 1, mostHops: 4 } });
    const began = performance.now();
    await loop(world, await world.as("ann").send("hello", { to: "bob" }), ["ann", "bob"]);
    expect(performance.now() - began, "250 and 500 ms").toBeGreaterThan(700);
  });

  test("begin anew after a person has written", async () => {
    const world = await World.of({ limits });
    const first = await world.as("ann").send("hello, all");
    const { id } = await loop(world, first, ["ann", "bob"]);
    world.later();
    const word = await world.as("pat").reply(first.id, "go on");
    expect(await world.as("pat").message(word.id)).not.toHaveProperty("hops");
    world.later();
    for (const how of [{ thread: first.id }, { reply_to: word.id }]) {
      const next = await world.as("ann").send("we do", { to: "bob", ...how });
      expect(await world.as("bob").message(next.id)).toMatchObject({ hops: 1, chain: ["pat", "ann"] });
    }
    await world.as("ann").reply(id, "and the old quarrel");
  });

  test.each([
    ["to both", (world: World) => world.as("pat").send("go on", { to: ["ann", "bob"] })],
    ["to one of them", (world: World) => world.as("pat").send("go on", { to: "bob" })],
    ["to all", (world: World) => world.as("pat").send("go on")],
  ])("go on after a person's word %s, as the person was told", async (_, speak) => {
    const world = await World.of({ limits });
    const { id } = await loop(world, await world.as("ann").send("hello", { to: "bob" }), ["ann", "bob"]);
    await expect(world.as("ann").reply(id, "still?")).rejects.toMatchObject({ code: "limit" });
    world.later();
    await speak(world);
    world.later();
    await world.as("ann").reply(id, "on we go");
  });

  test("begin anew after either of them has moved a task", async () => {
    for (const who of ["ann", "bob"]) {
      const world = await World.of({ limits });
      const { id } = await loop(world, await world.as("ann").send("hello", { to: "bob" }), ["ann", "bob"]);
      world.later();
      await world.as("cay").tasks.add("somebody else's");
      await expect(world.as("ann").reply(id, "still?")).rejects.toMatchObject({ code: "limit" });
      await world.as(who).tasks.add("parse");
      world.later();
      const next = await world.as("ann").reply(id, "we do work");
      expect((await world.as("ann").message(next.id)).hops).toBeUndefined();
    }
  });

  test("a person may answer as often as they like", async () => {
    const world = await World.of({ limits });
    let { id } = await world.as("ann").send("hello", { to: "pat" });
    for (let count = 0; count < 3 * limits.mostHops; count++) {
      world.later();
      ({ id } = await world.as(count % 2 === 0 ? "pat" : "ann").reply(id, "and?"));
    }
    expect(await world.toldTo("pat")).toEqual([]);
  });
});
