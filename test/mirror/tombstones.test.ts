import { expect, test } from "vitest";
import type { Relay } from "../../src/relay.ts";
import { Net } from "../support/mirrored-network.ts";

const DAY = 86_400_000;
const texts = async (relay: Relay) => (await relay.inbox()).items.map(({ message }) => message.content);
const messagesIn = async (store: { list(folder: string): Promise<string[]> } | undefined) => store?.list("messages");

async function three() {
  const net = await Net.open();
  const [one, two] = [await net.machine("ann"), await net.machine("bob")];
  const [ann, bob, srv] = [one.as("a1"), two.as("b1"), net.local("srv")];
  for (const relay of [ann, bob, srv]) await relay.agents.register();
  await net.agree(one, two);
  return { net, one, two, ann, bob, srv, shop: net.world.stores.get("shop") };
}

test("what is collected on one machine is not brought back, not after a restart either, and nothing unread is lost", async () => {
  const { net, one, two, ann, bob, srv } = await three();
  await srv.send("to all");
  await ann.send("to bob", { to: "b1" });
  await net.agree(one, two);
  expect(await texts(ann)).toEqual(["to all"]);
  net.now += 8 * DAY;
  await ann.admin.gc();
  const kept = async () => (await ann.messages.history()).messages.map(({ content }) => content);
  expect(await kept()).toEqual(["to bob"]);
  for (const start of [() => {}, () => one.restart()]) {
    start();
    await net.agree(one, two);
    expect(await kept()).toEqual(["to bob"]);
  }
  expect((await texts(bob)).sort()).toEqual(["to all", "to bob"]);
  await net.agree(two, one);
  net.now += 7_200_000; // after a day it is asked rarely who has read something
  await net.agree(two, one);
  await ann.admin.gc();
  await net.agree(two, one);
  expect(await kept()).toEqual([]);
});

test("what the server has collected is removed on the machines, but for what is unread there", async () => {
  const { net, one, two, ann, bob, srv, shop } = await three();
  await srv.send("to all");
  await net.agree(one, two);
  expect(await texts(ann)).toEqual(["to all"]);
  await net.agree(one, two);
  const { id } = await srv.tasks.add("over");
  await srv.tasks.cancel(id);
  await net.agree(one, two);
  net.now += 31 * DAY;
  // The server's own list of who has not read it was lost: the machine that has it unread keeps it.
  for (const mark of (await shop?.marks("inboxes/b1")) ?? []) await shop?.unmark(`inboxes/b1/${mark}`);
  await srv.admin.gc();
  expect(await messagesIn(shop)).toEqual([]);
  await net.agree(one, two);
  expect(await messagesIn(one.store)).toEqual([]);
  expect(await one.store.list("tasks")).toEqual([]);
  expect(await texts(bob)).toEqual(["to all"]);
  await net.agree(one, two);
  expect(await messagesIn(shop)).toEqual([]);
});

test("what has run out is not offered", async () => {
  const { net, one, two, ann, bob } = await three();
  await ann.send("quick", { to: "b1", expiresMs: 1000 });
  net.now += 2000;
  await net.agree(one, two);
  expect(await texts(bob)).toEqual([]);
  expect(await messagesIn(two.store)).toEqual([]);
});

test("a machine that was away for 100 days brings nothing old back, and goes on with what is new", async () => {
  const { net, one, two, ann, bob, srv, shop } = await three();
  await ann.send("old news");
  await bob.activity.note("an old day");
  await net.agree(one, two);
  for (const relay of [bob, srv]) expect(await texts(relay)).toEqual(["old news"]);
  await net.agree(two);
  await ann.send("kept back until it is old");
  net.now += 100 * DAY;
  await srv.admin.gc();
  await bob.admin.gc();
  expect(await messagesIn(shop)).toEqual([]);
  one.restart();
  await net.agree(two, one);
  await ann.send("fresh");
  await bob.activity.note("a new day");
  await net.agree(two, one);
  expect(await messagesIn(shop)).toHaveLength(1);
  expect(await texts(bob)).toEqual(["fresh"]);
  expect((await shop?.logs("activity"))?.length).toBe(1);
});

test("the log of days that a machine was away reaches all, each line once, in its own day", async () => {
  const { net, one, two, ann, bob, shop } = await three();
  for (const text of ["one", "two", "three"]) {
    net.now += DAY;
    await ann.activity.note(text);
  }
  one.restart();
  two.restart();
  await net.agree(one, two);
  two.restart();
  await net.agree(one, two);
  for (const relay of [ann, bob, net.local("x")]) {
    const { entries } = await relay.activity.list({ limit: 100, since: new Date(0) });
    expect(entries.flatMap((entry) => (entry.event === "note" ? [entry.text] : []))).toEqual(["one", "two", "three"]);
  }
  expect((await shop?.logs("activity"))?.length).toBe(4);
});

test("broadcasts of before a machine came are part of its history", async () => {
  const { net, one, two, ann, srv } = await three();
  await srv.send("three days ago");
  await net.agree(one, two);
  net.now += 3 * DAY;
  const late = await net.machine("eve");
  await late.as("e1").agents.register();
  await net.agree(late);
  expect((await late.as("e1").messages.history()).messages.map(({ content }) => content)).toEqual(["three days ago"]);
  expect(await texts(late.as("e1"))).toEqual([]);
  expect(await texts(ann)).toEqual(["three days ago"]);
});

test("what a session sent before it left, while the server could not be asked, arrives, by a session that has ended", async () => {
  const { net, one, two, bob, shop } = await three();
  const brief = one.as("brief");
  await brief.agents.register();
  await brief.send("I was here", { to: "b1", keep: true });
  await brief.agents.unregister();
  await net.agree(one, two);
  expect(await texts(bob)).toEqual(["I was here"]);
  expect(await shop?.get("agents/brief")).toBeUndefined();
  expect(await shop?.get("archive/agents/brief")).toMatchObject({ owner: "ann/script-all" });
});

test("a message that another program left in the folder reaches other machines, once", async () => {
  const { net, one, two, ann, bob } = await three();
  const { store } = one;
  const content = "by the crate";
  const timestamp = Math.floor(net.now / 1000);
  const said = { from_session: "a1", from_agent: "claude", to_session: null, content, timestamp, read_by: ["a1"] };
  await store.create("messages/msg-12345678", { id: "msg-12345678", ...said });
  await net.agree(one, two);
  one.restart();
  await net.agree(one, two);
  expect(await texts(bob)).toEqual(["by the crate"]);
  expect((await ann.messages.history()).messages.map(({ content }) => content)).toEqual(["by the crate"]);
  await net.agree(two, one);
  expect((await store.get("messages/msg-12345678"))?.read_by).toEqual(["a1", "b1"]);
});
