// One process of a measurement: node worker.mjs <what> <folder> <index> <count>
import { once } from "node:events";
import { FileStore, Relay } from "../../dist/index.js";
import { rawSend } from "./measure.mjs";

const [what, dir, index, count] = process.argv.slice(2);
const session = `sender-${index}`;
const body = "x".repeat(100);

const jobs = {
  async watch() {
    const relay = new Relay(dir, { session: "watcher", agent: "bench" });
    await relay.agents.register();
    console.log("ready");
    for await (const _ of relay.watch()) console.log(Number(process.hrtime.bigint()) / 1e6);
  },
  async send() {
    const relay = new Relay(dir, { session, agent: "bench", limits: { perMinute: 1e9, inboxUnread: 1e6 } });
    await relay.agents.register();
    await ready();
    for (let round = 0; round < count; round++) await relay.send(`${process.pid} ${round} ${body}`, { to: "reader" });
    console.log("done");
  },
  async raw() {
    const bytes = Buffer.from(`{\n  "content": "${body.repeat(5)}"\n}`);
    await ready();
    for (let round = 0; round < count; round++) rawSend(dir, `msg-${process.pid}-${round}`, bytes, true);
    console.log("done");
  },
  async update() {
    const store = new FileStore(dir, { durability: "process" });
    await store.create("tasks/one", { count: 0 });
    await ready();
    let longest = 0;
    for (let round = 0; round < count; round++) {
      const start = performance.now();
      await store.update("tasks/one", (old) => ({ count: Number(old?.count) + 1 }));
      longest = Math.max(longest, performance.now() - start);
    }
    console.log(longest);
  },
};

async function ready() {
  console.log("ready");
  await once(process.stdin, "data");
}

await jobs[what]();
process.exit(0);
