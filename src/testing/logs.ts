import type { Store } from "../store/store.ts";
import { type MakeStore, NOON, type TestRunner } from "./runner.ts";

export function describeLogs({ describe, test, expect }: TestRunner, name: string, make: MakeStore): void {
  describe(`${name}: logs`, () => {
    const options = { now: () => NOON, inboxLimit: 10 };
    const all = async (store: Store, key: string) => {
      const lines = [];
      for await (const line of store.lines(key)) lines.push(line);
      return lines;
    };

    test("a log's lines come back in the order in which they were added", async () => {
      const store = make(options);
      for (let n = 0; n < 3; n++) await store.append("activity/2026-03-01", { n, text: "a\nb\u2028c" });
      expect(await all(store, "activity/2026-03-01")).toEqual([0, 1, 2].map((n) => ({ n, text: "a\nb\u2028c" })));
    });

    test("a log is read on from where one has stopped", async () => {
      const store = make(options);
      for (let n = 0; n < 5; n++) await store.append("activity/day", { n });
      for (const after of [0, 3, 5, 9]) {
        const lines = [];
        for await (const line of store.lines("activity/day", after)) lines.push(line);
        expect(lines, String(after)).toEqual([0, 1, 2, 3, 4].slice(after).map((n) => ({ n })));
      }
    });

    test("a log that was never written to has no lines, and removing it does nothing", async () => {
      const store = make(options);
      await store.removeLog("activity/2026-03-01");
      expect(await all(store, "activity/2026-03-01")).toEqual([]);
      expect(await store.logs("activity")).toEqual([]);
    });

    test("a folder's logs are listed by name; they are neither records nor marks, and can be removed", async () => {
      const store = make(options);
      for (const day of ["2026-03-02", "2026-03-01"]) await store.append(`activity/${day}`, { day });
      expect(await store.logs("activity")).toEqual(["2026-03-01", "2026-03-02"]);
      expect([await store.list("activity"), await store.marks("activity")]).toEqual([[], []]);
      await store.removeLog("activity/2026-03-01");
      expect(await store.logs("activity")).toEqual(["2026-03-02"]);
    });

    test("a line of 100 kB is one line, and lines that are being added while others are read do no harm", async () => {
      const store = make(options);
      await store.append("activity/day", { text: "x".repeat(100_000) });
      const seen = [];
      for await (const line of store.lines("activity/day")) {
        if (seen.length === 0) await store.append("activity/day", { text: "later" });
        seen.push(line);
      }
      expect(seen[0]).toEqual({ text: "x".repeat(100_000) });
      expect(await all(store, "activity/day")).toHaveLength(2);
    });

    for (const key of ["../x", "activity/", "activity/.x"])
      test(`${key} is no log`, async () => {
        const store = make(options);
        await expect(store.append(key, {})).rejects.toMatchObject({ code: "usage" });
        await expect(all(store, key)).rejects.toMatchObject({ code: "usage" });
      });
  });
}
