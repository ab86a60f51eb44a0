import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Relay } from "../../src/relay.ts";
import { MemoryStore } from "../../src/store/memory.ts";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const HOUR = 3_600_000;
const MINUTE = 60_000;

/** A relay in memory, where each session has a clock of its own that a test sets. */
function sessions<const Names extends string>(names: readonly Names[]) {
  const clocks = new Map(names.map((name) => [name, NOON]));
  const store = new MemoryStore({ now: () => NOON });
  const relays = new Map(
    names.map((name) => [name, new Relay("", { session: name, store, now: () => clocks.get(name) ?? NOON })]),
  );
  return {
    async register(): Promise<void> {
      for (const relay of relays.values()) await relay.agents.register();
    },
    as(name: Names): Relay {
      const relay = relays.get(name);
      if (!relay) throw new Error(`${name} is not here`);
      return relay;
    },
    set(name: Names, time: number): void {
      clocks.set(name, time);
    },
  };
}

const shown = async (relay: Relay): Promise<string[]> =>
  (await relay.inbox({ limit: 100 })).items.map((item) => item.message.content);

describe("clocks that are wrong", () => {
  const jump = fc.constantFrom(-24 * HOUR, -HOUR, -11 * MINUTE, -1000, -1, 0, 1, 1000, 5 * MINUTE, HOUR, 24 * HOUR);

  test("what one sender says is shown in the order it was said, wherever its clock jumps in between", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(jump, { minLength: 2, maxLength: 12 }), async (jumps) => {
        const here = sessions(["ann", "bob"]);
        await here.register();
        let time = NOON;
        for (const [index, by] of jumps.entries()) {
          time += by;
          here.set("ann", time);
          await here.as("ann").send(`message ${index}`, { to: "bob" });
        }
        expect(await shown(here.as("bob"))).toEqual(jumps.map((_, index) => `message ${index}`));
      }),
      { numRuns: 50 },
    );
  });

  test("an answer never stands before its question, whatever the two clocks say", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(jump, jump), { minLength: 1, maxLength: 6 }), async (jumps) => {
        const here = sessions(["ann", "bob"]);
        await here.register();
        let last = (await here.as("ann").send("0", { to: "bob" })).id;
        for (const [index, [ann, bob]] of jumps.entries()) {
          here.set("ann", NOON + ann);
          here.set("bob", NOON + bob);
          last = (await here.as(index % 2 === 0 ? "bob" : "ann").reply(last, String(index + 1))).id;
        }
        const expected = Array.from({ length: jumps.length + 1 }, (_, index) => String(index));
        expect((await here.as("ann").messages.history({ limit: 100 })).messages.map(({ content }) => content)).toEqual(
          expected,
        );
        expect((await here.as("bob").messages.thread(last)).map(({ content }) => content)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  test.each([0, 1, Date.parse("1999-12-31"), Date.parse("2099-12-31")])(
    "a clock that shows %d sends, is read and answered",
    async (time) => {
      const here = sessions(["ann", "bob"]);
      here.set("ann", time);
      await here.register();
      const { id } = await here.as("ann").send("well?", { to: "bob", kind: "question" });
      expect(await shown(here.as("bob"))).toEqual(["well?"]);
      await here.as("bob").reply(id, "yes");
      expect(await shown(here.as("ann"))).toEqual(["yes"]);
    },
  );

  test.each([1, 30, 61, 90, 119, 121, 3600])(
    "a clock that steps back by %d s does not say that one message was too many",
    async (seconds) => {
      const here = sessions(["ann", "bob"]);
      await here.register();
      await here.as("ann").send("one", { to: "bob" });
      here.set("ann", NOON - seconds * 1000);
      await here.as("ann").send("two", { to: "bob" });
      expect(await shown(here.as("bob"))).toEqual(["one", "two"]);
    },
  );

  test("a session's next process goes on in order where the one before it stopped, however fast that one was", async () => {
    const store = new MemoryStore({ now: () => NOON });
    const as = (session: string) => new Relay("", { session, store, now: () => NOON });
    await as("bob").agents.register();
    const [first, second] = [as("ann"), as("ann")];
    for (const text of ["1", "2", "3"]) await first.send(text, { to: "bob" });
    for (const text of ["4", "5"]) await second.send(text, { to: "bob" });
    expect(await shown(as("bob"))).toEqual(["1", "2", "3", "4", "5"]);
  });

  test("a message that is to expire is gone when it should be, by its reader's clock", async () => {
    const here = sessions(["ann", "bob"]);
    await here.register();
    await here.as("ann").send("soon gone", { to: "bob", expiresMs: MINUTE });
    here.set("bob", NOON + MINUTE - 1);
    expect(await here.as("bob").messages.unreadCount()).toBe(1);
    here.set("bob", NOON + MINUTE);
    expect(await here.as("bob").messages.unreadCount()).toBe(0);
  });

  test.each([Number.POSITIVE_INFINITY, Number.NaN, 1e300, -1])(
    "an expiry in %d ms is `usage`, and nothing is sent",
    async (expires) => {
      const here = sessions(["ann", "bob"]);
      await here.register();
      await expect(here.as("ann").send("x", { to: "bob", expiresMs: expires })).rejects.toMatchObject({
        code: "usage",
      });
      expect(await here.as("bob").messages.unreadCount()).toBe(0);
    },
  );
});
