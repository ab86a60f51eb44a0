import fs from "node:fs";
import { Relay } from "../../dist/index.js";
import { inTurn, median, ms, percentile, ratio } from "./measure.mjs";

const SIZES = [100, 10_000, 100_000];
const UNREAD = 20;

/** A relay with `count` messages stored, all read but the last ones. */
async function stored(dir, count) {
  const root = `${dir}/${count}/.relay`;
  const reader = new Relay(root, { session: "reader", agent: "bench", durability: "process" });
  const sender = new Relay(root, {
    session: "sender",
    agent: "bench",
    durability: "process",
    limits: { perMinute: 1e9 },
  });
  await reader.agents.register();
  await sender.agents.register();
  const { messages } = await sender.send("pattern", { to: "reader" });
  await reader.messages.markRead(messages[0].id);
  const body = fs.readFileSync(`${root}/messages/${messages[0].id}.json`, "utf8");
  for (let index = 0; index < count; index++) {
    const id = `msg-${(1_700_000_000_000 + index * 1000).toString(36).padStart(9, "0")}${String(index).padStart(12, "0")}`;
    fs.writeFileSync(`${root}/messages/${id}.json`, body.replaceAll(messages[0].id, id), { mode: 0o600 });
  }
  for (let index = 0; index < UNREAD; index++) await sender.send(`unread ${index}`, { to: "reader" });
  await reader.messages.unread(); // the first look of this boot, and the foreign look, are lines of their own
  return { root, reader, sender };
}

async function bySize(dir) {
  const lines = [];
  const smallest = await stored(dir, SIZES[0]);
  for (const size of SIZES) {
    const start = performance.now();
    const relay = size === SIZES[0] ? smallest : await stored(dir, size);
    const setUp = performance.now() - start;
    const counts = await inTurn(
      201,
      () => relay.reader.messages.unreadCount(),
      () => smallest.reader.messages.unreadCount(),
    );
    const shows = await inTurn(
      31,
      () => showTen(relay),
      () => showTen(smallest),
    );
    for (const [name, times] of [
      ["unreadCount", counts],
      ["inbox(10)", shows],
    ]) {
      const value = ratio(times);
      lines.push({
        name: `${name}, ${size.toLocaleString("en")} messages stored`,
        figure: `${value.ratio.toFixed(2)} x  (${ms(value.a)} / ${ms(value.b)})`,
        budget: "<= 1.5 x that with 100",
        ok: value.ratio <= 1.5,
      });
    }
    lines.push(await foreignLook(relay, size));
    if (setUp > 60_000) lines.push({ name: "setting that up", figure: ms(setUp) });
  }
  return lines;
}

/** Shows and marks ten, and sends ten more for the next round. */
async function showTen({ reader, sender }) {
  await reader.inbox({ limit: 10 });
  for (let index = 0; index < 10; index++) await sender.send("next", { to: "reader" });
}

/** What a look for other programs' messages costs: once in 60 s, or in 5 s where some were found. */
async function foreignLook({ root }, size) {
  const times = [];
  let now = Date.now();
  const reader = new Relay(root, { session: "reader", agent: "bench", durability: "process", now: () => now });
  for (let round = 0; round < 9; round++) {
    now += 61_000;
    const start = performance.now();
    await reader.messages.unreadCount();
    times.push(performance.now() - start);
  }
  return {
    name: `unreadCount with a foreign look, ${size.toLocaleString("en")}`,
    figure: `${ms(median(times))}, p95 ${ms(percentile(times, 0.95))}`,
  };
}

export const sizeCases = [{ name: "unreadCount and inbox(10) by messages stored", run: bySize }];
