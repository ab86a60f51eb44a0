// One process that updates records under their locks.
import fs from "node:fs";
import { FileStore } from "../../src/store/file/file-store.ts";
import { withLock } from "../../src/store/file/lock.ts";
import { say, serve } from "./serve.mjs";

const { dir } = JSON.parse(process.argv[2]);
const store = new FileStore(dir, { durability: "process" });

/** Stops everything here, as a slow disk would, until `file` is there. Says so, and when the attempt after it is over. */
function standStill(name, file) {
  say(`${name} is inside`);
  while (!fs.existsSync(file)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  setTimeout(() => say(`${name} has tried`), 20); // no timer runs before an attempt has ended
}

function increment(counter) {
  return { count: (counter?.count ?? 0) + 1 };
}

await serve({
  /** Adds 1 to a counter `times` times; how long the slowest took (ms). */
  async count({ key, times }) {
    let longest = 0;
    for (let n = 0; n < times; n++) {
      const start = performance.now();
      await store.update(key, increment);
      longest = Math.max(longest, performance.now() - start);
    }
    return longest;
  },

  /** Goes into the critical section of a lock, where a file that only one can make says who is inside. */
  async enter({ lock, witness }) {
    await withLock(lock, () => {
      fs.closeSync(fs.openSync(witness, "wx")); // throws if another is inside
      fs.appendFileSync(`${witness}.log`, "entered\n");
      fs.unlinkSync(witness);
    });
  },

  /** An update that stands still between its read and its write. */
  updateSlowly: ({ key, name, until }) =>
    store.update(key, (counter) => {
      standStill(name, until);
      return increment(counter);
    }),

  removeSlowly: ({ key, name, until }) =>
    store.update(key, (counter) => {
      if (counter) standStill(name, until);
      return undefined;
    }),

  /** A commit that stands still between its draft and its rename. */
  commitSlowly: ({ lock, target, name, until }) =>
    withLock(lock, ({ draft }) => {
      fs.writeFileSync(draft, `${fs.existsSync(target) ? fs.readFileSync(target, "utf8") : ""}${name}\n`);
      standStill(name, until);
      fs.renameSync(draft, target);
    }),
});
