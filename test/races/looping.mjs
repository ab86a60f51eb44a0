// A sender or a reader that goes on until it is killed, saying what it has done as soon as it has.
import { Relay } from "../../dist/index.js";
import { say, serve } from "./serve.mjs";

const { dir, session } = JSON.parse(process.argv[2]);
const relay = new Relay(dir, { session, agent: "claude", durability: "process", limits: { perMinute: 1_000_000 } });

await serve({
  /** Says the id of each message that was acknowledged. */
  async send() {
    for (;;) {
      const { id } = await relay.send("x".repeat(1 + Math.random() * 2000), { to: "reader", kind: "info" });
      say(id);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 6)); // the reader has to keep up
    }
  },

  /** Says the ids of what it shows, and an empty list once that was marked. */
  async read() {
    for (;;) {
      const { items } = await relay.inbox({
        limit: 1 + Math.floor(Math.random() * 100),
        show: saying,
        patienceMs: 60_000,
      });
      if (items.length > 0) say([]);
      else await new Promise((resolve) => setTimeout(resolve, Math.random() * 6));
    }
  },
});

async function saying(items) {
  if (items.length > 0) say(items.map(({ message }) => message.id));
  return items;
}
