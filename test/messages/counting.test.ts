import fs from "node:fs";
import { expect, onTestFinished, test, vi } from "vitest";
import { Relay } from "../../src/relay.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { tempDir } from "../support/cli.ts";

/** A store that counts the records it is asked for. */
class CountingStore extends MemoryStore {
  reads = 0;
  override get(key: string): ReturnType<Store["get"]> {
    this.reads++;
    return super.get(key);
  }
}

/** What a session with so many unread messages costs to look at, in records read. */
async function reading(unread: number, look: (b: Relay, a: Relay) => Promise<unknown>): Promise<number> {
  const store = new CountingStore();
  const relay = (session: string) => new Relay("unused", { store, session, limits: { perMinute: 1e9 } });
  const [a, b] = [relay("a"), relay("b")];
  await b.agents.register();
  await a.agents.register();
  for (let n = 0; n < unread; n++) await a.send(`message ${n}`, { to: "b" });
  await look(b, a); // the first look after a boot is another matter
  store.reads = 0;
  await look(b, a);
  return store.reads;
}

test.each([
  ["unread", (b: Relay) => b.messages.unreadCount()],
  ["inbox", (b: Relay) => b.inbox({ limit: 10, peek: true })],
  ["send", (_: Relay, a: Relay) => a.send("hello", { to: "b", report: true })],
  ["agents", (_: Relay, a: Relay) => a.agents.list({ unread: true })],
])("%s read each of 1,000 unread messages to say how many there are", async (_, look) => {
  expect((await reading(1000, look)) - (await reading(10, look))).toBeLessThan(40);
});

test("a broadcast counted the unread mail of everyone, also where nobody asked", async () => {
  const broadcast = (report: true | "all") => (_: Relay, a: Relay) => a.send("to all", { report });
  expect((await reading(100, broadcast(true))) - (await reading(0, broadcast(true)))).toBe(0);
  const store = new MemoryStore();
  const relay = (session: string) => new Relay("unused", { store, session });
  await relay("b").agents.register();
  await relay("a").send("one", { to: "b" });
  expect((await relay("a").send("two", { report: true })).recipients[0]?.unread_before).toBeUndefined();
  expect((await relay("a").send("three", { report: "all" })).recipients[0]?.unread_before).toBe(2);
});

test("what expired before it was read is not mail, however much there is of it", async () => {
  let now = 1_800_000_000_000;
  const store = new MemoryStore();
  const relay = (session: string) =>
    new Relay("unused", { store, session, now: () => now, limits: { perMinute: 1e9 } });
  await relay("b").agents.register();
  for (let n = 0; n < 100; n++) await relay("a").send(`${n}`, { to: "b", expiresMs: 60_000 });
  expect(await relay("b").messages.unreadCount()).toBe(100);
  now += 60_000;
  expect(await relay("b").messages.unreadCount()).toBe(0);
});

test("each receipt of a look was flushed for itself: 20 flushes for ten messages", async () => {
  const relay = (session: string) => new Relay(`${dir}/.relay`, { session });
  const dir = tempDir();
  await relay("b").agents.register();
  for (let n = 0; n < 10; n++) await relay("a").send(`message ${n}`, { to: "b" });
  const flushes = vi.spyOn(fs, "fsyncSync");
  onTestFinished(() => flushes.mockRestore());
  expect((await relay("b").inbox()).items).toHaveLength(10);
  expect(flushes.mock.calls.length).toBeLessThanOrEqual(4);
});
