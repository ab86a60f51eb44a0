import { afterEach, expect } from "vitest";
import { hasMarkRule } from "../../src/access/marks.ts";
import { hasRecordRule, isLogFolder } from "../../src/access/records.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { folderOf } from "../../src/store/store.ts";

// Whatever the product writes in its tests must have a line in the tables of who may write it: a mark or a record without
// one was thought of by nobody, and on a server it is refused, or anybody's. The tests of the stores, and of
// requests by chance, write any key.

const RULED = {
  mark: hasMarkRule,
  create: hasRecordRule,
  update: hasRecordRule,
  publish: hasRecordRule,
  append: (key: string) => isLogFolder(folderOf(key)),
} as const;

type Write = keyof typeof RULED;
type Writing = Record<Write, (key: string, ...rest: never[]) => Promise<unknown>>;

const WITHOUT = Symbol.for("agent-relay: writes without a rule");
const worker = globalThis as { [WITHOUT]?: Set<string> };

/** The keys that were written and have no line. The stores of a worker are shared by its files: they are watched once. */
function watchWrites(): Set<string> {
  const without = new Set<string>();
  for (const store of [FileStore.prototype, MemoryStore.prototype] as Writing[])
    for (const write of Object.keys(RULED) as Write[]) {
      const real = store[write];
      store[write] = async function (this: Writing, key, ...rest) {
        const done = await real.call(this, key, ...rest);
        const isWritten = write !== "update" || done !== undefined;
        if (isWritten && !RULED[write](key)) without.add(`${write} ${key}`);
        return done;
      };
    }
  return without;
}

worker[WITHOUT] ??= watchWrites();
const without = worker[WITHOUT];

afterEach(() => {
  const found = [...without];
  without.clear();
  if (/\/test\/(?:store\/|races\/locks|server\/app)/.test(expect.getState().testPath ?? "")) return;
  expect(found, "src/access/ has no line for what was written").toEqual([]);
});
