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
    await eventsAreHeard();
    say({ id: message.id, took, byEvent: lastEvent > sent });
  }
}

/**
 * A look that runs already may find the message before its event is heard. Two turns of the loop: of one that comes from an
 * event, the first ends before the system is asked for more.
 */
async function eventsAreHeard() {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
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
