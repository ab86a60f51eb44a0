import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import { newId } from "../../src/id.ts";
import { runAlone } from "../../src/mirror/runner.ts";
import type { Relay } from "../../src/relay.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import type { Store } from "../../src/store/store.ts";
import { dayOf } from "../../src/time.ts";
import { type Machine, Net } from "../support/mirrored-network.ts";

const HOUR = 3_600_000;
const texts = async (relay: Relay) => (await relay.inbox()).items.map(({ message }) => message.content);
const held = async (relay: Relay) =>
  (await relay.claims.list()).map(({ session_id, tentative, mode }) => [
    session_id,
    tentative ? "tentative" : "firm",
    mode,
  ]);

interface Two {
  readonly net: Net;
  readonly one: Machine;
  readonly other: Machine;
  readonly ann: Relay;
  readonly bob: Relay;
  readonly shop: FileStore;
}

async function two(): Promise<Two> {
  const net = await Net.open();
  const [one, other] = [await net.machine("ann"), await net.machine("bob")];
  const [ann, bob] = [one.as("a1"), other.as("b1")];
  await ann.agents.register();
  await bob.agents.register();
  await net.agree(one, other);
  const shop = net.world.stores.get("shop");
  if (!(shop instanceof FileStore)) throw new Error("the server has no files");
  return { net, one, other, ann, bob, shop };
}

const odd = { agent_id: "claude", pid: 0, registered_at: 1, last_heartbeat: 1, metadata: {} };
const line = (scene: Two, said: object) =>
  fs.appendFileSync(`${scene.one.dir}/activity/${dayOf(scene.net.now)}.jsonl`, `${JSON.stringify(said)}\n`);
const torn = (root: string, file: string) => {
  fs.mkdirSync(`${root}/${file.slice(0, file.lastIndexOf("/"))}`, { recursive: true });
  fs.writeFileSync(`${root}/${file}`, "{ torn");
};

/** What is wrong with one thing, here or there. */
const WRONG: Readonly<Record<string, (scene: Two) => unknown>> = {
  "a line of the log that is none": (scene) => line(scene, { session: "a1", text: "by a script" }),
  "a line of the log by a session that cannot be": (scene) =>
    line(scene, { at: new Date(scene.net.now).toISOString(), session: "../x", agent: "x", event: "note" }),
  "a session whose id is another's name there": async ({ net, one }) => {
    await net.local("srv").agents.register({ name: "tester" });
    await one.as("tester").agents.register();
  },
  "a registration with a role that is none": ({ one }) =>
    one.store.create("agents/x9", { session_id: "x9", ...odd, role: "Bad Role" }),
  "a registration under a reserved word": ({ one }) =>
    one.store.create("agents/human", { session_id: "human", ...odd }),
  "a session there with a name that is no key": ({ shop }) =>
    shop.create("agents/x9", { session_id: "x9", ...odd, name: "Bob Smith" }),
  "a claim that the server takes from nobody": ({ ann }) => ann.claim([`src/${"a*".repeat(17)}`]),
  "a decision that is none": ({ one, net }) =>
    one.store.create(`decisions/${newId("decision", net.now)}`, { session_id: "a1", foo: 1 }),
  "torn records here": ({ one }) => {
    for (const file of ["decisions/d-1", "claims/live", "tasks/task-1", "messages/msg-1", "agents/zz"])
      torn(one.dir, `${file}.json`);
  },
  "torn records there": ({ shop }) => {
    for (const file of ["decisions/d-1", "claims/live", "tasks/task-1", "messages/msg-1", "agents/zz"])
      torn(shop.root, `${file}.json`);
  },
  "another's receipt with more than there is in one": async ({ net, ann, one, other, shop }) => {
    const { id } = await net.local("srv").send("read by a script");
    await net.agree(one, other);
    await shop.update(`messages/${id}`, (old) => ({ ...old, receipts: { srv2: { read_at: "2026", via: "x" } } }));
    await texts(ann);
  },
  "tombstones of what nothing is called": async ({ net, shop }) => {
    for (const key of ["messages/../x", "tasks/x y", "activity/../x", "__proto__", "tasks/", "tasks"])
      await shop.append(`collected/${dayOf(net.now)}`, { key });
  },
};

describe("what keeps nothing else back:", () => {
  test.each(Object.keys(WRONG))("%s", async (name) => {
    const scene = await two();
    await WRONG[name]?.(scene);
    await scene.ann.send("goes on", { to: "b1" });
    for (let round = 0; round < 3; round++) await scene.net.agree(scene.one, scene.other);
    expect(await texts(scene.bob)).toContain("goes on");
  });
});

describe("nothing is lost", () => {
  test("of what is sent after a clock that was ahead is set right", async () => {
    const { net, one, other, ann, bob } = await two();
    net.now += HOUR;
    await ann.send("ahead", { to: "b1" });
    await net.agree(one, other);
    net.now -= HOUR;
    await ann.send("after", { to: "b1" });
    await net.agree(one, other);
    expect((await texts(bob)).sort()).toEqual(["after", "ahead"]);
  });

  test("of what the server has refused for a while, also by a mirror that was started anew meanwhile", async () => {
    const { net, one, other, ann, bob, shop } = await two();
    const publish = shop.publish.bind(shop);
    shop.publish = async (key, value, delivery) => {
      if (delivery.inboxes.includes("b1")) throw new RelayError("limit", "its inbox is full");
      return publish(key, value, delivery);
    };
    await ann.send("kept back", { to: "b1" });
    await net.agree(one, other);
    net.now += HOUR;
    await ann.send("later");
    await net.agree(one, other);
    shop.publish = publish;
    one.restart();
    net.now += HOUR;
    await net.agree(one, other);
    expect((await texts(bob)).sort()).toEqual(["kept back", "later"]);
  });

  test("of what a program sent that never registered", async () => {
    const { net, one, other, bob } = await two();
    const said = {
      from_session: "cron",
      from_agent: "script",
      to_session: null,
      content: "nightly",
      read_by: ["cron"],
    };
    const id = "msg-abcdef01";
    await one.store.create(`messages/${id}`, { id, ...said, timestamp: Math.floor(net.now / 1000) });
    await net.agree(one, other);
    expect(await texts(bob)).toEqual(["nightly"]);
  });

  test("of whose a session is that nobody here knows: what it sent from elsewhere makes it none of ours", async () => {
    const { net, one, other, ann, shop } = await two();
    const said = { from_session: "cron", from_agent: "script", to_session: null, content: "there", read_by: ["cron"] };
    const id = newId("msg", net.now);
    const timestamp = Math.floor(net.now / 1000);
    await shop.publish(
      `messages/${id}`,
      { id, ...said, timestamp },
      { inboxes: [], index: "all", everyoneIn: "agents" },
    );
    await net.agree(one, other);
    expect(await texts(ann)).toEqual(["there"]);
    one.restart();
    await net.agree(one, other);
    expect(await shop.get("archive/agents/cron")).toBeUndefined();
  });

  test("of what was read while the mirror was not running", async () => {
    const { net, one, other, ann, bob } = await two();
    const { id } = await bob.send("read meanwhile", { to: "a1" });
    await net.agree(other, one);
    one.restart();
    for (const mark of await shopMarks(net)) await net.world.stores.get("shop")?.unmark(`inboxes/a1/${mark}`);
    expect(await texts(ann)).toEqual(["read meanwhile"]);
    net.now += HOUR;
    await net.agree(one, other);
    expect((await bob.messages.get(id)).read_by).toEqual(["b1", "a1"]);
  });
});

async function shopMarks(net: Net): Promise<string[]> {
  return (await net.world.stores.get("shop")?.marks("inboxes/a1")) ?? [];
}

test("what was taken back is not shown once both have talked, however long ago it was sent", async () => {
  const { net, one, other, ann, bob } = await two();
  for (const [days, to] of [
    [0, "b1"],
    [8, "b1"],
    [0, undefined],
  ] as const) {
    const { id } = await ann.send("no, wait", to === undefined ? {} : { to });
    await net.agree(one, other);
    net.now += days * 24 * HOUR + HOUR;
    one.restart();
    await net.agree(one, other);
    await ann.messages.withdraw(id);
    await one.round();
    net.now += HOUR; // of a broadcast others ask now and then
    await other.round();
    expect(await texts(bob), `${days} ${to}`).toEqual([]);
  }
});

test("a task that one session gave back and another of the same machine took, or finished, is that one's everywhere", async () => {
  const { net, one, other, ann, bob } = await two();
  const a2 = one.as("a2");
  await a2.agents.register();
  for (const isDone of [false, true]) {
    const { id } = await ann.tasks.add(`hand over ${isDone}`);
    await ann.tasks.claim(id);
    await net.agree(one, other);
    await ann.tasks.release(id);
    await a2.tasks.claim(id);
    if (isDone) await a2.tasks.done(id);
    await net.agree(one, other);
    expect(await bob.tasks.get(id)).toMatchObject({
      state: isDone ? "done" : "in_progress",
      owner: { session_id: "a2" },
    });
  }
  expect(await texts(a2)).toEqual([]);
});

test("what was taken away on the server stays so, also for a mirror that is started anew", async () => {
  const { net, one, other, ann, bob } = await two();
  await ann.claim(["src/a.ts"]);
  await net.agree(one, other);
  await net.local("srv").release(["src/a.ts"], { force: true });
  one.restart();
  await net.agree(one, other);
  for (const relay of [ann, bob]) expect(await held(relay)).toEqual([]);
});

test("who wanted for itself what others came to share is told that it is still shared", async () => {
  const { net, one, other, ann, bob } = await two();
  await ann.claim(["src/a.ts"], { mode: "shared" });
  await net.agree(one);
  await ann.claim(["src/a.ts"], { mode: "exclusive" });
  await bob.claim(["src/a.ts"], { mode: "shared" });
  await net.agree(other, one);
  expect((await held(ann)).map(([who, , mode]) => `${who} ${mode}`).sort()).toEqual(["a1 shared", "b1 shared"]);
  expect((await texts(ann)).join()).toContain("is void: others share it");
});

test("nobody takes anything away here from a session that is elsewhere", async () => {
  const { net, one, other, ann, bob } = await two();
  await bob.claim(["src/a.ts"]);
  const { id } = await bob.tasks.add("bob's");
  await bob.tasks.claim(id);
  await net.agree(other, one);
  await expect(ann.release(["src/a.ts"], { force: true })).rejects.toMatchObject({ code: "refused" });
  await expect(ann.tasks.claim(id, { force: true })).rejects.toMatchObject({ code: "refused" });
  await expect(ann.tasks.done(id, { force: true })).rejects.toMatchObject({ code: "refused" });
  await net.agree(one, other);
  expect(await texts(bob)).toEqual([]);
});

test("an offer that was taken up here when the server had passed it on is firm for one alone", async () => {
  const { net, one, other, ann, bob } = await two();
  await ann.claim(["src/a.ts"]);
  await net.agree(one, other);
  const srv = net.local("srv");
  await srv.agents.register();
  const waiting = bob.claim(["src/a.ts"], { waitMs: 60_000 });
  await expect.poll(async () => (await other.store.get("claims/live"))?.queue).toHaveLength(1);
  await other.round();
  await ann.claims.releaseAll();
  await one.round();
  net.now += 9000;
  await other.round();
  await other.store.unmark("mirror/agreed");
  await waiting.catch(() => {}); // it may be told already that it has come too late
  net.now += 2000;
  await srv.claim(["src/a.ts"]);
  expect((await held(bob)).filter(([who, how]) => who === "b1" && how === "firm")).toEqual([]);
  await net.agree(other, one);
  for (const relay of [ann, bob, srv]) expect(await held(relay)).toEqual([["srv", "firm", "exclusive"]]);
});

test("a name that is changed here is changed there, and stays one session's", async () => {
  const { net, one, other, ann, bob } = await two();
  await ann.agents.register({ name: "otter" });
  await bob.agents.register({ name: "otter" });
  await net.agree(one, other);
  await net.agree(one, other);
  for (const relay of [ann, bob, net.local("x")])
    expect((await relay.agents.list()).filter(({ name }) => name === "otter").map((each) => each.session_id)).toEqual([
      "a1",
    ]);
});

test("a session of elsewhere is seen although one with its id has ended here", async () => {
  const net = await Net.open();
  const [one, other] = [await net.machine("ann"), await net.machine("bob")];
  await one.as("worker").agents.register();
  await one.as("worker").agents.unregister();
  await one.as("a1").agents.register();
  await other.as("worker").agents.register();
  await other.as("worker").claim(["src/a.ts"]);
  await net.agree(other, one);
  expect((await one.as("a1").agents.list()).map(({ session_id }) => session_id).sort()).toEqual(["a1", "worker"]);
  await expect(one.as("a1").claim(["src/a.ts"])).rejects.toMatchObject({ code: "conflict" });
});

test("a process of elsewhere is not taken for one of this machine", async () => {
  const { net, one, other, ann, shop } = await two();
  const { place } = await import("../../src/machine/process.ts");
  await shop.create("agents/x9", { session_id: "x9", ...odd, pid: 999_999, place: place(), registered_at: 1e9 });
  const lines = async () => (await ann.activity.list({ since: new Date(0), limit: 1000 })).entries.length;
  await net.agree(one, other);
  const before = await lines();
  await net.agree(one, other);
  expect(await one.store.get("agents/x9")).toMatchObject({ pid: 0 });
  expect(await lines()).toBe(before);
});

test("a server that asserts what sessions of this machine have read, or that no claim can come any more, is not believed", async () => {
  const { net, one, other, ann, shop } = await two();
  const a2 = one.as("a2");
  await a2.agents.register();
  const { id } = await ann.send("for a2", { to: "a2" });
  await net.agree(one, other);
  await shop.update(`messages/${id}`, (old) => ({ ...old, read_by: ["a1", "a2"] }));
  await shop.unmark(`inboxes/a2/${id}`);
  await shop.update("claims/live", () => ({ token: Number.MAX_SAFE_INTEGER, claims: [], queue: [], edges: [] }));
  net.now += HOUR;
  await net.agree(one, other);
  expect(await texts(a2)).toEqual(["for a2"]);
  expect((await ann.claim(["src/a.ts"])).tentative).toBe(true);
  expect(net.notices.join()).toContain("claims is not passed on");
});

test("one process mirrors a folder, and a note of it that cannot be read keeps nobody from that", async () => {
  const { one } = await two();
  await one.store.create("mirror/runner", { pid: "none" });
  const stop = await runAlone(one.store);
  await stop();
  expect(await (one.store as Store).get("mirror/runner")).toBeUndefined();
});

test("acknowledged questions and what has run out cost nothing in later rounds", async () => {
  const { net, one, other, ann, bob } = await two();
  const { id } = await ann.send("which?", { to: "b1", kind: "question" });
  for (let count = 0; count < 5; count++) await ann.send(`brief ${count}`, { to: "b1", expiresMs: 600_000 });
  await net.agree(one, other);
  await texts(bob);
  await bob.messages.ack(id);
  for (let hour = 0; hour < 6; hour++) {
    net.now += 5 * HOUR;
    await net.agree(other, one);
  }
  const before = net.world.log.length;
  await one.round();
  const idle = net.world.log.length - before;
  expect(idle).toBeLessThan(25);
  await ann.messages.get(id);
});
