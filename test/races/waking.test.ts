import { expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { racers } from "../support/scale.ts";
import { askAll, listed, newRelayDir, quantile, start } from "./workers.ts";

const WATCHERS = racers(60);
const BROADCASTS = 8;

interface Woken {
  readonly id: string;
  readonly took: number;
  readonly byEvent: boolean;
}

test(`every broadcast wakes each of ${WATCHERS} watching processes, and not by their slow poll`, async () => {
  const dir = newRelayDir();
  const heard: Woken[][] = Array.from({ length: WATCHERS }, () => []);
  let allHeard = () => {};
  const watchers = await Promise.all(
    heard.map((list, index) =>
      start(
        "watcher.mjs",
        { dir, session: `watcher-${index}` },
        {
          onNote(note) {
            list.push(note as Woken);
            if (heard.every((each) => each.length >= list.length)) allHeard();
          },
        },
      ),
    ),
  );
  await askAll(watchers, "register");
  await askAll(watchers, "watch");

  const sender = new Relay(dir, { session: "sender", durability: "process" });
  const sent: string[] = [];
  for (let n = 0; n < BROADCASTS; n++) {
    const everyone = new Promise<void>((resolve) => (allHeard = resolve));
    sent.push((await sender.send(String(Number(process.hrtime.bigint()) / 1e6))).id);
    await everyone;
    while (!isAllRead(dir)) await new Promise((resolve) => setImmediate(resolve));
  }

  for (const list of heard) expect(list.map(({ id }) => id)).toEqual(sent);
  const wakes = heard.flat();
  const took = wakes.map((wake) => wake.took);
  const byEvent = wakes.filter((wake) => wake.byEvent).length;
  const [median, p95] = [0.5, 0.95].map((share) => quantile(took, share).toFixed(1));
  console.log(
    `${WATCHERS} watchers, ${BROADCASTS} broadcasts: send to wake median ${median} ms, p95 ${p95} ms, ` +
      `worst ${Math.max(...took).toFixed(0)} ms; ${byEvent} of ${wakes.length} by an event`,
  );
  const others = wakes.filter((wake) => !wake.byEvent).map((wake) => `${wake.took.toFixed(0)} ms`);
  expect(byEvent / wakes.length, `found otherwise after ${others.join(", ")}`).toBeGreaterThanOrEqual(0.9);
});

/** Also their marking is over, so that it cannot pass for a wake by the next broadcast. */
function isAllRead(dir: string): boolean {
  return Array.from({ length: WATCHERS }, (_, index) => `${dir}/inboxes/watcher-${index}`).every(
    (inbox) => listed(inbox).length === 0,
  );
}
