import { expect, test } from "vitest";
import type { Relay } from "../../src/relay.ts";
import { iso } from "../../src/time.ts";
import { type Machine, Net } from "../support/mirrored-network.ts";

const texts = async (relay: Relay) => (await relay.inbox()).items.map(({ message }) => message.content);

test("agents on two machines and the server's own see each other, and talk, by their own files alone", async () => {
  const net = await Net.open();
  const [one, two] = [await net.machine("ann"), await net.machine("bob")];
  await one.as("a1").agents.register({ name: "ann-1", role: "builder" });
  await two.as("b1").agents.register({ name: "bob-1" });
  await net.local("srv").agents.register({ name: "srv-1" });
  for (const { mirror } of [one, two, one]) await mirror.round();
  for (const relay of [one.as("a1"), two.as("b1"), net.local("srv")])
    expect((await relay.agents.list()).map(({ name }) => name).sort()).toEqual(["ann-1", "bob-1", "srv-1"]);

  await one.as("a1").send("hello bob", { to: "bob-1" });
  await one.as("a1").send("hello all");
  await net.local("srv").send("from the server", { to: "a1" });
  for (const { mirror } of [one, two]) await mirror.round();
  expect((await texts(two.as("b1"))).sort()).toEqual(["hello all", "hello bob"]);
  expect(await texts(one.as("a1"))).toEqual(["from the server"]);
  expect(await texts(net.local("srv"))).toEqual(["hello all"]);
  expect(await texts(two.as("b1")), "once").toEqual([]);

  net.now += 60_000;
  for (const { mirror } of [two, one]) await mirror.round();
  for (const message of (await one.as("a1").messages.history()).messages)
    expect(message.read_by.length, message.content).toBeGreaterThan(1);
  expect(await texts(two.as("b1")), "still once").toEqual([]);
  expect(net.notices).toEqual([]);
});

test("what tells an agent of its mail, and when it looked, is known on the other machine", async () => {
  const net = await Net.open();
  const [one, two] = [await net.machine("ann"), await net.machine("bob")];
  for (const [machine, session] of [
    [one, "a1"],
    [two, "b1"],
  ] as const)
    await machine.as(session).agents.register();
  await one.as("a1").inbox({ by: "hooks" });
  const known = async () => {
    for (const { mirror } of [one, two, one, two]) await mirror.round();
    return two.as("b1").agents.find("a1");
  };
  expect(await known()).toMatchObject({ told_by: ["hooks"], looked_at: iso(net.now) });
  net.now += 10 * 60_000;
  await one.as("a1").inbox({ by: "hooks" });
  expect(await known()).toMatchObject({ told_by: ["hooks"], looked_at: iso(net.now) });
});

test("what was written while a machine was away is delivered when it is back, once, and in both directions", async () => {
  const net = await Net.open();
  const [one, two] = [await net.machine("ann"), await net.machine("bob")];
  await one.as("a1").agents.register();
  await two.as("b1").agents.register();
  for (const { mirror } of [one, two, one]) await mirror.round();
  for (let count = 0; count < 5; count++) {
    await one.as("a1").send(`a ${count}`, { to: "b1" });
    await two.as("b1").send(`b ${count}`, { to: "a1" });
    net.now += 3_600_000;
  }
  for (let round = 0; round < 3; round++) for (const { mirror } of [one, two]) await mirror.round();
  expect(await texts(two.as("b1"))).toEqual(["a 0", "a 1", "a 2", "a 3", "a 4"]);
  expect(await texts(one.as("a1"))).toEqual(["b 0", "b 1", "b 2", "b 3", "b 4"]);
  for (let round = 0; round < 2; round++) for (const { mirror } of [one, two]) await mirror.round();
  expect(await texts(one.as("a1"))).toEqual([]);
});

test("a question is answered across machines, and is open on neither side afterwards", async () => {
  const net = await Net.open();
  const [one, two] = [await net.machine("ann"), await net.machine("bob")];
  await one.as("a1").agents.register();
  await two.as("b1").agents.register();
  const rounds = async () => {
    net.now += 60_000;
    for (let round = 0; round < 2; round++) for (const { mirror } of [one, two]) await mirror.round();
  };
  await rounds();
  const { id } = await one.as("a1").send("which port?", { to: "b1", kind: "question" });
  await rounds();
  expect(await texts(two.as("b1"))).toEqual(["which port?"]);
  await rounds();
  expect(await net.world.stores.get("shop")?.marks("inboxes/b1/open")).toEqual([id]);
  await two.as("b1").reply(id, "4800");
  await rounds();
  expect(await texts(one.as("a1"))).toEqual(["4800"]);
  await rounds();
  expect((await one.as("a1").messages.get(id)).receipts?.b1?.acked_at).toBeDefined();
  expect(await net.world.stores.get("shop")?.marks("inboxes/b1/open")).toEqual([]);
});

test("what was withdrawn before it was read is read nowhere", async () => {
  const net = await Net.open();
  const one = await net.machine("ann");
  await one.as("a1").agents.register();
  await one.mirror.round();
  const { id } = await net.local("srv").send("no, wait", { to: "a1" });
  await one.mirror.round();
  await net.local("srv").messages.withdraw(id);
  await one.mirror.round();
  expect(await texts(one.as("a1"))).toEqual([]);
});

test("a session that ends on one machine has ended on all, and its name is another's only when it is free", async () => {
  const net = await Net.open();
  const [one, two] = [await net.machine("ann"), await net.machine("bob")];
  await one.as("a1").agents.register({ name: "otter" });
  await two.as("b1").agents.register({ name: "otter" });
  for (const { mirror } of [one, two, one]) await mirror.round();
  const names = async (machine: Machine) =>
    (await machine.as("x").agents.list()).map(({ session_id, name }) => [session_id, name]);
  const [[, renamed] = []] = (await names(two)).filter(([session]) => session === "b1");
  expect(renamed).not.toBe("otter");
  expect((await names(one)).sort()).toEqual((await names(two)).sort());
  await one.as("a1").agents.unregister();
  for (const { mirror } of [one, two]) await mirror.round();
  expect((await names(two)).map(([session]) => session)).toEqual(["b1"]);
});

test("what was done on one machine is in the log of all, once, and decisions are kept by all", async () => {
  const net = await Net.open();
  const [one, two] = [await net.machine("ann"), await net.machine("bob")];
  await one.as("a1").agents.register();
  await two.as("b1").agents.register();
  await one.as("a1").activity.note("began");
  for (let round = 0; round < 3; round++) {
    for (const { mirror } of [one, two]) await mirror.round();
    await two.as("b1").activity.note(`round ${round}`);
    if (round === 1) await one.as("a1").decisions.add("tabs");
  }
  for (let round = 0; round < 2; round++) for (const { mirror } of [one, two]) await mirror.round();
  const notes = async (relay: Relay) =>
    (await relay.activity.list({ limit: 1000 })).entries
      .filter(({ event }) => event !== "message")
      .map((entry) => `${entry.session_id} ${entry.event} ${"text" in entry ? entry.text : undefined}`)
      .sort();
  const there = await notes(net.local("x"));
  expect(there.filter((line) => line.includes("note"))).toEqual([
    "a1 note began",
    "b1 note round 0",
    "b1 note round 1",
    "b1 note round 2",
  ]);
  for (const machine of [one, two]) {
    expect(await notes(machine.as("x"))).toEqual(there);
    expect((await machine.as("x").decisions.list()).map(({ content }) => content)).toEqual(["tabs"]);
  }
});

test("a session whose id is somebody else's on the server is told of, and nothing of it is passed on", async () => {
  const net = await Net.open();
  const one = await net.machine("ann");
  await net.local("bob").agents.register();
  await one.as("bob").agents.register();
  await one.as("bob").send("I am bob");
  await one.mirror.round();
  expect(net.notices.join()).toContain("session bob is another's there already");
  expect(await texts(net.local("srv"))).toEqual([]);
});
