import { RelayError } from "../errors.ts";
import type { ListRange, Store, Value } from "../store/store.ts";
import { type MakeStore, NOON, type StoreUnderTest, type TestRunner } from "./runner.ts";

const BAD_KEYS = [
  "",
  "/",
  "a/",
  "/a",
  "a//b",
  "..",
  "../a",
  "a/../b",
  ".a",
  "a.",
  "a b",
  "a\0",
  "a\\b",
  "ä",
  "con",
  "a/nul.txt",
];

/** What every store promises of records and keys, whatever it is made of. */
export function describeRecords({ describe, test, expect }: TestRunner, name: string, make: MakeStore): void {
  const open = (options: Partial<StoreUnderTest> = {}): Store =>
    make({ now: () => NOON, inboxLimit: 50_000, ...options });

  describe(`${name}: records`, () => {
    test("a record that was created is read back with every field", async () => {
      const store = open();
      const value = { id: "a", deep: { list: [1, "two", null, true], empty: {} }, text: "ü\u0000\n\u{1f980}", n: 1.5 };
      expect(await store.create("messages/a", value)).toBe(true);
      expect(await store.get("messages/a")).toEqual(value);
    });

    test("a record that is not there is undefined, also in a folder that is not there", async () => {
      const store = open();
      expect(await store.get("messages/a")).toBeUndefined();
      await store.create("messages/b", {});
      expect(await store.get("messages/a")).toBeUndefined();
      expect(await store.get("other/a")).toBeUndefined();
    });

    test("what is changed on the outside after a write, or after a read, does not change the record", async () => {
      const store = open();
      const value = { list: [1] };
      await store.create("a/b", value);
      value.list.push(2);
      Object.assign((await store.get("a/b")) ?? {}, { list: [3] });
      expect(await store.get("a/b")).toEqual({ list: [1] });
    });

    test("creating what exists answers false and leaves the old content", async () => {
      const store = open();
      await store.create("a/b", { n: 1 });
      expect(await store.create("a/b", { n: 2 })).toBe(false);
      expect(await store.get("a/b")).toEqual({ n: 1 });
    });

    test("of many that create one record, exactly one wins, and its content stands", async () => {
      const store = open();
      const tries = Array.from({ length: 20 }, (_, n) => store.create("a/b", { n }));
      const won = (await Promise.all(tries)).flatMap((isMade, n) => (isMade ? [n] : []));
      expect(won).toHaveLength(1);
      expect(await store.get("a/b")).toEqual({ n: won[0] });
    });

    test("names whose letters mean something to objects are names like any other", async () => {
      const store = open();
      for (const key of ["a/__proto__", "a/constructor", "a/toString"])
        expect(await store.create(key, { key })).toBe(true);
      expect(await store.list("a")).toEqual(["__proto__", "constructor", "toString"]);
      expect(await store.get("a/__proto__")).toEqual({ key: "a/__proto__" });
    });

    test("a key may end in a segment of 128 bytes", async () => {
      const store = open();
      const key = `archive/agents/${"x".repeat(128)}`;
      expect(await store.create(key, { n: 1 })).toBe(true);
      expect(await store.update(key, (old) => ({ ...old, n: 2 }))).toEqual({ n: 2 });
      await store.mark(key);
      await store.quarantine(key, "to see whether it can be");
      expect(await store.get(key)).toBeUndefined();
    });
  });

  describe(`${name}: lists`, () => {
    const names = async (range?: Parameters<Store["list"]>[1]): Promise<string[][]> => {
      const store = open();
      for (const each of ["b", "d", "a", "c"]) {
        await store.create(`records/${each}`, {});
        await store.mark(`marks/${each}`);
      }
      return [await store.list("records", range), await store.marks("marks", range)];
    };

    test("names come sorted, for records and for marks", async () => {
      expect(await names()).toEqual([
        ["a", "b", "c", "d"],
        ["a", "b", "c", "d"],
      ]);
    });

    const ranges: [ListRange, string[]][] = [
      [{ limit: 2 }, ["a", "b"]],
      [{ limit: 0 }, []],
      [{ limit: 9 }, ["a", "b", "c", "d"]],
      [{ after: "b" }, ["c", "d"]],
      [{ after: "bb" }, ["c", "d"]],
      [{ after: "d" }, []],
      [{ after: "a", limit: 2 }, ["b", "c"]],
      [{ part: "b" }, ["b"]],
      [{ part: "bb" }, []],
      [{ part: "", after: "a", limit: 1 }, ["b"]],
      [{ reverse: true }, ["d", "c", "b", "a"]],
      [{ reverse: true, limit: 1 }, ["d"]],
      [{ reverse: true, after: "c" }, ["b", "a"]],
      [{ reverse: true, after: "a" }, []],
    ];
    for (const [range, expected] of ranges)
      test(`the range ${JSON.stringify(range)} gives ${expected.join(" ")}`, async () => {
        expect(await names(range)).toEqual([expected, expected]);
      });

    test("a folder that is not there is empty", async () => {
      const store = open();
      expect(await store.list("nothing")).toEqual([]);
      expect(await store.marks("nothing")).toEqual([]);
    });

    test("a folder lists its own names only, not those of folders in it", async () => {
      const store = open();
      await store.create("a/one", {});
      await store.create("a/b/two", {});
      await store.mark("a/three");
      await store.mark("a/b/four");
      expect([await store.list("a"), await store.list("a/b")]).toEqual([["one"], ["two"]]);
      expect([await store.marks("a"), await store.marks("a/b")]).toEqual([["three"], ["four"]]);
    });
  });

  describe(`${name}: updates`, () => {
    test("an update of nothing makes the record", async () => {
      const store = open();
      expect(await store.update("a/b", (old) => ({ was: old === undefined }))).toEqual({ was: true });
      expect(await store.get("a/b")).toEqual({ was: true });
    });

    test("an update keeps the fields it does not know", async () => {
      const store = open();
      await store.create("a/b", { n: 1, from_the_future: { x: [1] } });
      await store.update("a/b", (old) => ({ ...old, n: 2 }));
      expect(await store.get("a/b")).toEqual({ n: 2, from_the_future: { x: [1] } });
    });

    test("returning undefined removes the record, and removing nothing is no error", async () => {
      const store = open();
      await store.create("a/b", { n: 1 });
      expect(await store.update("a/b", () => undefined)).toBeUndefined();
      expect(await store.get("a/b")).toBeUndefined();
      expect(await store.list("a")).toEqual([]);
      expect(await store.update("a/b", () => undefined)).toBeUndefined();
      expect(await store.create("a/b", { n: 2 })).toBe(true);
    });

    test("returning the very same object leaves the record, and is what the update returns", async () => {
      const store = open();
      await store.create("a/b", { n: 1 });
      let seen: Value | undefined;
      const same = await store.update("a/b", (old) => (seen = old));
      expect(same).toBe(seen);
      expect(await store.get("a/b")).toEqual({ n: 1 });
    });

    test("a change that was said to remove the record, and does not, is made all the same", async () => {
      const store = open();
      const removes = { removes: true };
      expect(await store.update("a/b", () => undefined, removes), "nothing there").toBeUndefined();
      expect(await store.update("a/b", () => ({ n: 1 }), removes)).toEqual({ n: 1 });
      expect(await store.update("a/b", (old) => old, removes)).toEqual({ n: 1 });
      expect(await store.update("a/b", (old) => ({ ...old, n: 2 }), removes)).toEqual({ n: 2 });
      expect(await store.get("a/b")).toEqual({ n: 2 });
      expect(await store.update("a/b", () => undefined, removes)).toBeUndefined();
      expect(await store.get("a/b")).toBeUndefined();
    });

    test("a change that throws ends the update with that very error, and leaves the old content", async () => {
      const store = open();
      await store.create("a/b", { n: 1 });
      const fault = new RelayError("conflict", "Cannot do this");
      const failed = store.update("a/b", () => {
        throw fault;
      });
      await expect(failed).rejects.toBe(fault);
      expect(await store.get("a/b")).toEqual({ n: 1 });
      expect(await store.update("a/b", (old) => ({ ...old, m: 2 }))).toEqual({ n: 1, m: 2 });
    });

    test("of many updates at once none is lost", async () => {
      const store = open();
      const add = (old: Value | undefined) => ({ n: Number(old?.n ?? 0) + 1 });
      await Promise.all(Array.from({ length: 25 }, () => store.update("a/b", add, { lasting: false })));
      expect(await store.get("a/b")).toEqual({ n: 25 });
    });
  });

  describe(`${name}: setting aside and bad keys`, () => {
    test("a record that was set aside is gone from its place, and setting aside nothing is no error", async () => {
      const store = open();
      await store.create("a/b", { n: 1 });
      await store.quarantine("a/b", "it has no name");
      expect([await store.get("a/b"), await store.list("a")]).toEqual([undefined, []]);
      await store.quarantine("a/b", "it has no name");
      expect(await store.create("a/b", { n: 2 })).toBe(true);
    });

    test("closing twice is no error", async () => {
      const store = open();
      await store.close();
      await store.close();
    });

    const methods: Record<string, (store: Store, key: string) => Promise<unknown>> = {
      get: (store, key) => store.get(key),
      list: (store, key) => store.list(key),
      create: (store, key) => store.create(key, {}),
      update: (store, key) => store.update(key, () => ({})),
      publish: (store, key) => store.publish(key, {}, { inboxes: [] }),
      "publish, as an inbox": (store, key) => store.publish("messages/m", {}, { inboxes: [key] }),
      "publish, as everyone's folder": (store, key) =>
        store.publish("messages/m", {}, { inboxes: [], everyoneIn: key }),
      mark: (store, key) => store.mark(key),
      markedAt: (store, key) => store.markedAt(key),
      unmark: (store, key) => store.unmark(key),
      marks: (store, key) => store.marks(key),
      watch: (store, key) => store.watch(key, new AbortController().signal)[Symbol.asyncIterator]().next(),
      quarantine: (store, key) => store.quarantine(key, "bad"),
      isDraft: (store, key) => store.isDraft(key),
    };

    for (const method of Object.keys(methods))
      test(`${method} refuses every bad key with usage`, async () => {
        const store = open();
        await store.create("a/b", {});
        for (const key of [...BAD_KEYS, "x".repeat(129)])
          await expect(methods[method]?.(store, key), JSON.stringify(key)).rejects.toMatchObject({ code: "usage" });
      });
  });
}
