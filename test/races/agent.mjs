// One agent in a process of its own.
import { Relay } from "../../dist/index.js";
import { say, serve } from "./serve.mjs";

const { dir, ...options } = JSON.parse(process.argv[2]);
const relay = new Relay(dir, {
  agent: "claude",
  durability: "process",
  limits: { perMinute: 1_000_000 },
  ...options,
});
let mayStop = false;

await serve({
  register: (more) => relay.agents.register(more),
  registerOwnPid: () => relay.agents.register({ pid: process.pid }),
  agents: () => relay.agents.list(),
  cleanupDead: () => relay.admin.cleanupDead(),

  send({ content, afterMs = 0, ...more }) {
    for (const start = performance.now(); performance.now() - start < afterMs; );
    return relay.send(content, more);
  },

  async sendMany({ count, ...more }) {
    const ids = [];
    for (let n = 0; n < count; n++) ids.push((await relay.send(`${relay.session} ${n}`, more)).id);
    return ids;
  },

  async markRead({ ids }) {
    for (const id of ids) await relay.messages.markRead(id);
  },

  /** Shows mail in a loop, saying what it shows, until it was asked to stop and nothing more was there. */
  async show({ limit }) {
    showAll(limit);
  },

  stop() {
    mayStop = true;
  },
});

async function showAll(limit) {
  for (;;) {
    const isLast = mayStop;
    const { items } = await relay.inbox({ limit, patienceMs: 60_000, show: saying });
    if (isLast && items.length === 0) return say("done");
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 30)); // lets the other one in
  }
}

async function saying(items) {
  for (const { message } of items) say(message.id);
  return items;
}
