import { expect, test } from "vitest";
import type { Relay } from "../../src/relay.ts";
import { type Machine, Net } from "../support/mirrored-network.ts";

const texts = async (relay: Relay) => (await relay.inbox()).items.map(({ message }) => message.content);
const held = async (relay: Relay) =>
  (await relay.claims.list()).map(({ session_id, targets, tentative }) => [
    session_id,
    targets[0]?.path,
    tentative ?? false,
  ]);

/** Two machines whose sessions know each other. */
async function two(): Promise<{ net: Net; one: Machine; other: Machine; ann: Relay; bob: Relay }> {
  const net = await Net.open();
  const [one, other] = [await net.machine("ann"), await net.machine("bob")];
  const [ann, bob] = [one.as("a1"), other.as("b1")];
  await ann.agents.register();
  await bob.agents.register();
  await net.agree(one, other);
  return { net, one, other, ann, bob };
}

test("a claim made where the server was not asked yet is tentative, and is firm when it has said yes", async () => {
  const { net, one, other, ann, bob } = await two();
  net.now += 600_000; // nobody mirrors
  expect((await ann.claim(["src/a.ts"])).tentative).toBe(true);
  expect(await held(ann)).toEqual([["a1", "src/a.ts", true]]);
  await net.agree(one, other);
  for (const relay of [ann, bob, net.local("x")]) expect(await held(relay)).toEqual([["a1", "src/a.ts", false]]);
  await expect(bob.claim(["src/a.ts"])).rejects.toMatchObject({ code: "conflict" });
});

test("of two who claimed the same apart from each other one has it everywhere, and the other is told", async () => {
  const { net, one, other, ann, bob } = await two();
  net.now += 600_000;
  await ann.claim(["src"]);
  await bob.claim(["src/a.ts"]);
  await net.agree(other, one);
  for (const relay of [ann, bob, net.local("x")]) expect(await held(relay)).toEqual([["b1", "src/a.ts", false]]);
  expect((await texts(ann)).join()).toMatch(/Your claim on src is void: b1 has src\/a.ts/);
  expect(await texts(bob)).toEqual([]);
});

test("what is given back on one machine is free on the others, also a part of it", async () => {
  const { net, one, other, ann, bob } = await two();
  await ann.claim(["src/a.ts", "src/b.ts"]);
  await net.agree(one, other);
  await ann.release(["src/a.ts"]);
  await net.agree(one, other);
  expect((await bob.claim(["src/a.ts"])).session_id).toBe("b1");
  await expect(bob.claim(["src/b.ts"])).rejects.toMatchObject({ code: "conflict" });
  await ann.claims.releaseAll();
  await net.agree(one, other);
  expect((await bob.claim(["src/b.ts"])).session_id).toBe("b1");
});

test("a claim that was renewed while the server could not be asked is not lost", async () => {
  const { net, one, other, ann, bob } = await two();
  await ann.claim(["src/a.ts"], { ttlMs: 600_000 });
  await net.agree(one, other);
  for (let minute = 0; minute < 20; minute += 5) {
    net.now += 300_000;
    await ann.claims.renew();
  }
  await net.agree(one, other);
  expect(await held(bob)).toEqual([["a1", "src/a.ts", false]]);
  expect(await texts(ann)).toEqual([]);
});

test("a claim that was taken away where the server is has gone here too, and is not taken again", async () => {
  const { net, one, other, ann, bob } = await two();
  await ann.claim(["src/a.ts"]);
  await net.agree(one, other);
  await net.local("srv").release(["src/a.ts"], { force: true });
  await net.agree(one, other);
  expect(await held(ann)).toEqual([]);
  expect((await texts(ann)).join()).toContain("is void: it was taken away on the server");
  expect((await bob.claim(["src/a.ts"])).session_id).toBe("b1");
});

test("who waits in line on another machine is given what becomes free, in its turn", async () => {
  const { net, one, other, ann, bob } = await two();
  await ann.claim(["src/a.ts"]);
  await net.agree(one, other);
  const waiting = bob.claim(["src/a.ts"], { waitMs: 60_000 });
  await expect.poll(async () => (await other.store.get("claims/live"))?.queue).toHaveLength(1);
  await other.round();
  expect((await net.world.stores.get("shop")?.get("claims/live"))?.queue).toHaveLength(1);
  await ann.claims.releaseAll();
  await one.round();
  await other.round();
  const claim = await waiting;
  expect(claim.session_id).toBe("b1");
  await other.round();
  await one.round();
  expect(await held(ann)).toEqual([["b1", "src/a.ts", false]]);
});

test("a task goes from machine to machine through its whole life", async () => {
  const { net, one, other, ann, bob } = await two();
  const first = await ann.tasks.add("lay the ground", { priority: 5 });
  const second = await ann.tasks.add("build on it", { dependsOn: [first.id] });
  await net.agree(one, other);
  expect((await bob.tasks.next())?.id).toBe(first.id);
  await bob.tasks.note(first.id, "half of it");
  await net.agree(other, one);
  expect((await ann.tasks.get(first.id)).owner?.session_id).toBe("b1");
  await expect(ann.tasks.claim(first.id)).rejects.toMatchObject({ code: "conflict" });
  await bob.tasks.done(first.id);
  await net.agree(other, one);
  expect((await ann.tasks.list({ which: "ready" })).tasks.map(({ id }) => id)).toEqual([second.id]);
  expect((await ann.tasks.get(first.id)).notes.map(({ text }) => text)).toEqual(["half of it"]);
  await ann.tasks.edit(second.id, { title: "build upon it" });
  await ann.tasks.cancel(second.id, { reason: "too late" });
  await net.agree(one, other);
  for (const relay of [bob, net.local("x")])
    expect(await relay.tasks.get(second.id)).toMatchObject({ title: "build upon it", state: "cancelled" });
  expect((await bob.tasks.list()).tasks).toEqual([]);
});

test("of two who took one task apart from each other one has it, and the other is told; no note is lost", async () => {
  const { net, one, other, ann, bob } = await two();
  const { id } = await ann.tasks.add("only once");
  await net.agree(one, other);
  net.now += 600_000;
  expect((await ann.tasks.claim(id)).owner?.tentative).toBe(true);
  await bob.tasks.claim(id);
  await ann.tasks.note(id, "by ann");
  await bob.tasks.note(id, "by bob");
  await net.agree(other, one);
  for (const relay of [ann, bob, net.local("x")]) {
    const task = await relay.tasks.get(id);
    expect(task.owner).toMatchObject({ session_id: "b1" });
    expect(task.owner?.tentative).toBeUndefined();
    expect(task.notes.map(({ text }) => text).sort()).toEqual(["by ann", "by bob"]);
  }
  expect((await texts(ann)).join()).toMatch(/What you did to task .* "only once" is void/);
  expect(await texts(bob)).toEqual([]);
});

test("a task that was made, taken and done while the server could not be asked is done everywhere", async () => {
  const { net, one, other, ann, bob } = await two();
  net.now += 600_000;
  const { id } = await ann.tasks.add("alone");
  await ann.tasks.claim(id);
  await ann.tasks.note(id, "went well");
  await ann.tasks.done(id);
  await net.agree(one, other);
  for (const relay of [bob, net.local("x")])
    expect(await relay.tasks.get(id)).toMatchObject({ state: "done", notes: [{ text: "went well" }] });
  expect(await texts(ann)).toEqual([]);
});

test("what two machines changed of one task is both there, if it was not the same", async () => {
  const { net, one, other, ann, bob } = await two();
  const { id } = await ann.tasks.add("first title");
  await net.agree(one, other);
  await ann.tasks.edit(id, { title: "ann's title" });
  await bob.tasks.edit(id, { priority: 7 });
  await net.agree(one, other);
  for (const relay of [ann, bob, net.local("x")])
    expect(await relay.tasks.get(id)).toMatchObject({ title: "ann's title", priority: 7 });
});

test("a session that ends gives back on all machines what it held", async () => {
  const { net, one, other, ann, bob } = await two();
  await ann.claim(["src/a.ts"]);
  const task = await ann.tasks.add("left lying");
  await ann.tasks.claim(task.id);
  await net.agree(one, other);
  await ann.agents.unregister();
  await net.agree(one, other);
  expect((await bob.claim(["src/a.ts"])).session_id).toBe("b1");
  expect((await bob.tasks.next())?.id).toBe(task.id);
});
