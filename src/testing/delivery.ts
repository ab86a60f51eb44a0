import { RelayError } from "../errors.ts";
import type { Store } from "../store/store.ts";
import { type MakeStore, NOON, type StoreUnderTest, type TestRunner } from "./runner.ts";

/** What every store promises of messages and marks: publishing, marking, watching. */
export function describeDelivery({ describe, test, expect }: TestRunner, name: string, make: MakeStore): void {
  const open = (options: Partial<StoreUnderTest> = {}): Store =>
    make({ now: () => NOON, inboxLimit: 50_000, ...options });

  describe(`${name}: publishing`, () => {
    test("a published record is there, and listed in each inbox once", async () => {
      const store = open();
      const reached = await store.publish("messages/m", { id: "m" }, { inboxes: ["ann", "bob", "ann"] });
      expect(reached.sort()).toEqual(["ann", "bob"]);
      expect(await store.get("messages/m")).toEqual({ id: "m" });
      expect([await store.marks("inboxes/ann"), await store.marks("inboxes/bob")]).toEqual([["m"], ["m"]]);
    });

    test("every record of a folder has an inbox too, but for the sender", async () => {
      const store = open();
      for (const id of ["ann", "bob", "me"]) await store.create(`agents/${id}`, {});
      const delivery = { inboxes: ["all"], everyoneIn: "agents", except: "me" };
      expect((await store.publish("messages/m", {}, delivery)).sort()).toEqual(["all", "ann", "bob"]);
      expect(await store.marks("inboxes/bob")).toEqual(["m"]);
      expect(await store.marks("inboxes/me")).toEqual([]);
    });

    test("publishing what exists is a conflict that changes nothing and lists nothing", async () => {
      const store = open();
      await store.publish("messages/m", { n: 1 }, { inboxes: ["ann"] });
      const again = store.publish("messages/m", { n: 2 }, { inboxes: ["bob"] });
      await expect(again).rejects.toMatchObject({ code: "conflict" });
      expect(await store.get("messages/m")).toEqual({ n: 1 });
      expect(await store.marks("inboxes/bob")).toEqual([]);
    });

    test("a full inbox that is named ends the publishing with `limit`, and nothing of it stays", async () => {
      const store = open({ inboxLimit: 3 });
      for (const id of ["m1", "m2", "m3"]) await store.publish(`messages/${id}`, {}, { inboxes: ["bob"] });
      const fourth = store.publish("messages/m4", {}, { inboxes: ["ann", "bob"] });
      await expect(fourth).rejects.toMatchObject({ code: "limit" });
      expect(await store.get("messages/m4")).toBeUndefined();
      expect(await store.isDraft("messages/m4")).toBe(false);
      expect(await store.marks("inboxes/ann")).toEqual([]);
      await store.unmark("inboxes/bob/m1");
      expect(await store.publish("messages/m4", {}, { inboxes: ["bob"] })).toEqual(["bob"]);
    });

    test("a full inbox among everyone is passed over, and the others hear", async () => {
      const store = open({ inboxLimit: 2 });
      for (const id of ["ann", "bob"]) await store.create(`agents/${id}`, {});
      for (const id of ["m1", "m2"]) await store.publish(`messages/${id}`, {}, { inboxes: ["bob"] });
      expect(await store.publish("messages/m3", {}, { inboxes: [], everyoneIn: "agents" })).toEqual(["ann"]);
      expect(await store.marks("inboxes/bob")).toEqual(["m1", "m2"]);
    });

    test("what is published is no draft, and neither is what nobody publishes", async () => {
      const store = open();
      await store.publish("messages/m", {}, { inboxes: ["ann"] });
      expect([await store.isDraft("messages/m"), await store.isDraft("messages/n")]).toEqual([false, false]);
    });
  });

  describe(`${name}: marks`, () => {
    test("a mark has the store's time, or the time it is given, and a new one replaces it", async () => {
      const store = open();
      await store.mark("a/b");
      expect(await store.markedAt("a/b")).toBe(NOON);
      await store.mark("a/b", NOON + 1);
      expect(await store.markedAt("a/b")).toBe(NOON + 1);
      expect(await store.marks("a")).toEqual(["b"]);
    });

    for (const at of [0, 1, 999, 1_795_244_909_049, Date.parse("2099-12-31T23:59:59.999Z")])
      test(`a mark keeps the time ${at} to the millisecond`, async () => {
        const store = open();
        await store.mark("a/b", at);
        expect(await store.markedAt("a/b")).toBe(at);
      });

    test("a mark that is not there has no time, and is not removed", async () => {
      const store = open();
      expect([await store.markedAt("a/b"), await store.unmark("a/b")]).toEqual([undefined, false]);
    });

    test("of many that remove a mark, exactly one is told that it did", async () => {
      const store = open();
      await store.mark("a/b");
      const told = await Promise.all(Array.from({ length: 20 }, () => store.unmark("a/b")));
      expect(told.filter(Boolean)).toHaveLength(1);
      expect(await store.markedAt("a/b")).toBeUndefined();
    });

    test("a record and a mark share a key without meeting", async () => {
      const store = open();
      await store.create("a/b", { n: 1 });
      await store.mark("a/b", NOON + 5);
      expect([await store.get("a/b"), await store.markedAt("a/b")]).toEqual([{ n: 1 }, NOON + 5]);
      expect([await store.list("a"), await store.marks("a")]).toEqual([["b"], ["b"]]);
      await store.unmark("a/b");
      expect(await store.get("a/b")).toEqual({ n: 1 });
    });

    test("a mark never passes for a record, nor a record for a mark, whatever their names end with", async () => {
      const store = open();
      const isAccepted = await store.mark("a/b.json").then(
        () => true,
        (error: unknown) => error instanceof RelayError && error.code !== "usage",
      );
      expect(await store.list("a")).toEqual([]);
      expect(await store.get("a/b")).toBeUndefined();
      expect(await store.marks("a")).toEqual(isAccepted ? ["b.json"] : []);
    });
  });

  describe(`${name}: watching`, () => {
    const changes: Record<string, (store: Store) => Promise<unknown>> = {
      "a record that is created": (store) => store.create("inboxes/ann/new", {}),
      "a record that changes": (store) => store.update("inboxes/ann/old", (old) => ({ ...old, n: 2 })),
      "a record that goes": (store) => store.update("inboxes/ann/old", () => undefined),
      "a mark that comes": (store) => store.mark("inboxes/ann/m"),
      "a mark that is renewed": (store) => store.mark("inboxes/ann/here", NOON + 1),
      "a mark that goes": (store) => store.unmark("inboxes/ann/here"),
      "a message that is published": (store) => store.publish("messages/m", {}, { inboxes: ["ann"] }),
    };

    for (const what of Object.keys(changes))
      test(`a watcher hears at once, and of ${what}`, async () => {
        const store = open();
        await store.create("inboxes/ann/old", {});
        await store.mark("inboxes/ann/here");
        const end = new AbortController();
        const watching = store.watch("inboxes/ann", end.signal)[Symbol.asyncIterator]();
        expect((await watching.next()).done).toBe(false);
        const heard = watching.next();
        await changes[what]?.(store);
        expect((await heard).done).toBe(false);
        end.abort();
        expect((await watching.next()).done).toBe(true);
      });

    test("a folder that is not there yet can be watched", async () => {
      const store = open();
      const end = new AbortController();
      const watching = store.watch("inboxes/late", end.signal)[Symbol.asyncIterator]();
      await watching.next();
      const heard = watching.next();
      await store.mark("inboxes/late/m");
      expect((await heard).done).toBe(false);
      end.abort();
    });

    test("a watch ends when its signal aborts while it waits, and does not begin after that", async () => {
      const store = open();
      const end = new AbortController();
      const watching = store.watch("inboxes/ann", end.signal)[Symbol.asyncIterator]();
      await watching.next();
      setTimeout(() => end.abort(), 10);
      let hints = 0;
      while (!(await watching.next()).done) hints++;
      expect(hints).toBeLessThan(10);
      expect((await store.watch("inboxes/ann", end.signal)[Symbol.asyncIterator]().next()).done).toBe(true);
    });
  });
}
