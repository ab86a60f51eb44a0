import { describe, expect, test } from "vitest";
import type { Message, Sent } from "../../src/index.ts";
import { chainAfter, pauseBefore } from "../../src/messages/loop-limit.ts";
import { compose } from "../../src/messages/message.ts";
import { HOUR, NOON, World } from "../support/relay-with-person.ts";

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
    expect(await world.as("ann").messages.get(id)).toMatchObject({
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
    const { entries } = await world.as("pat").activity.list();
    expect(entries.filter(({ event }) => event === "loop.stopped")).toMatchObject([{ id: first.id, hops: 6 }]);
    await world.as("ann").inbox();
    await expect(world.as("ann").send("by another verb", { to: "bob" })).rejects.toMatchObject({ code: "limit" });
    expect((await world.as("ann").send("something else", { to: "cay" })).id, "elsewhere they may go on").toMatch(
      /^msg-/,
    );
  });

  test("are stopped in a circle of three too, and by way of --thread", async () => {
    const world = await World.of({ limits });
    const three = ["ann", "bob", "cay"];
    const first = await world.as("ann").send("hello", { to: "bob" });
    const stopped = await loop(world, first, three);
    expect(stopped.error).toMatchObject({ code: "limit", message: expect.stringContaining("between ann, bob, cay") });

    const other = await World.of({ limits });
    const { id: thread } = await other.as("ann").send("another matter", { to: "bob" });
    let sent = 1;
    const speak = async () => {
      other.later();
      const [me, you] = sent % 2 === 0 ? ["ann", "bob"] : ["bob", "ann"];
      await other.as(me).send("no", { to: you, thread });
    };
    await expect(
      (async () => {
        for (; sent < 100; sent++) await speak();
      })(),
    ).rejects.toMatchObject({ code: "limit" });
    expect(sent).toBe(limits.mostHops);
  });

  test("were never braked when they used no reply, but send each other what they have to say", async () => {
    const world = await World.of({ limits });
    let sent = 0;
    const speak = async () => {
      world.later();
      const [me = "", you = ""] = sent % 2 === 0 ? ["ann", "bob"] : ["bob", "ann"];
      await world.as(me).inbox();
      await world.as(me).send(`word ${sent}`, { to: you });
    };
    await expect(
      (async () => {
        for (; sent < 100; sent++) await speak();
      })(),
    ).rejects.toMatchObject({ code: "limit", message: expect.stringContaining("to and fro between ann, bob") });
    expect(sent).toBe(limits.mostHops);
    const { id } = await world.as("ann").send("to somebody else", { to: "cay" });
    expect(await world.as("cay").messages.get(id)).not.toHaveProperty("hops");
    expect((await world.store.marks("heard/ann")).length, "one a peer").toBe(1);
    world.clock += 2 * HOUR;
    expect((await world.as("ann").send("hours later", { to: "bob" })).id).toMatch(/^msg-/);
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
    expect(await world.as("pat").messages.get(word.id)).not.toHaveProperty("hops");
    world.later();
    for (const how of [{ thread: first.id }, { replyTo: word.id }]) {
      const next = await world.as("ann").send("we do", { to: "bob", ...how });
      expect(await world.as("bob").messages.get(next.id)).toMatchObject({ hops: 1, chain: ["pat", "ann"] });
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
      expect((await world.as("ann").messages.get(next.id)).hops).toBeUndefined();
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
