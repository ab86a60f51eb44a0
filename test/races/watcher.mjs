// One agent that watches its inbox, and says of each message how long it took and whether the system's event woke it.
import fs from "node:fs";
import { Relay } from "../../dist/index.js";
import { say, serve } from "./serve.mjs";

const { dir, session } = JSON.parse(process.argv[2]);
const relay = new Relay(dir, { session, agent: "claude", durability: "process" });

// Seen from outside: when the folder's last event came, as opposed to a tick of the slow poll below it.
let lastEvent = 0;
const { promise: watching, resolve: isWatching } = latch();
const watch = fs.watch;
fs.watch = (folder, notice) => {
  const watcher = watch(folder, (...event) => {
    lastEvent = now();
    notice(...event);
  });
  isWatching();
  return watcher;
};

await serve({
  register: () => relay.agents.register(),
  async watch() {
    sayWhatComes();
    await watching;
  },
});

async function sayWhatComes() {
  for await (const message of relay.watch()) {
    const sent = Number(message.content);
    const took = now() - sent;
    await new Promise((resolve) => setImmediate(resolve)); // a busy process may find the tick and the event at once
    say({ id: message.id, took, byEvent: lastEvent > sent });
  }
}

/** Milliseconds by a clock that all processes of the machine share. */
function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

function latch() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
