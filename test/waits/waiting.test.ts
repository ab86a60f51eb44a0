import type { ChildProcess } from "node:child_process";
import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { MemoryStore, Relay, type RelayOptions, type Store, type Wait, type WaitFor } from "../../src/index.ts";
import { checkTimeout, WAIT_TIMEOUT_MS } from "../../src/limits.ts";
import { makeContext } from "../../src/open/make-context.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import { iso } from "../../src/time.ts";
import { conditionState } from "../../src/waits/conditions.ts";
import { dueName } from "../../src/waits/pending.ts";
import { isOver, sayConditions } from "../../src/waits/wait.ts";
import { tempDir } from "../support/cli.ts";
import { killed, living } from "../support/living-process.ts";
import { toldTo } from "../support/system-messages.ts";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const MINUTE = 60_000;

describe("the rules", () => {
  test("of several conditions all must come true, or with any one of them", () => {
    expect(isOver(false, ["yes", undefined])).toBe(false);
    expect(isOver(false, ["yes", "too"])).toBe(true);
    expect(isOver(true, ["yes", undefined])).toBe(true);
    expect(isOver(true, [undefined, undefined])).toBe(false);
  });

  test("what is waited for is said in words, each condition after the other", () => {
    const all = [
      { event: "released", targets: [{ path: "src" }, { resource: "ci" }] },
      { event: "ended", session: "ann" },
      { event: "message" },
      { event: "message", session: "ann", kind: "question" },
      { event: "reply", id: "msg-1" },
      { event: "task", id: "task-1" },
      { event: "answer", id: "msg-2", session: "bob" },
    ] as const;
    expect(sayConditions(all, false, (session) => session)).toBe(
      "src, resource ci to be free and ann to end and a message and a message of kind question from ann" +
        " and an answer to msg-1 and task-1 to be done and bob to deal with msg-2",
    );
    expect(sayConditions(all.slice(1, 3), true, (session) => session)).toBe("ann to end or a message");
  });

  test("a wait lasts more than nothing and up to 7 days", () => {
    expect([checkTimeout(1), checkTimeout(WAIT_TIMEOUT_MS.max)]).toEqual([1, 7 * 86_400_000]);
    for (const ms of [0, -1, WAIT_TIMEOUT_MS.max + 1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => checkTimeout(ms)).toThrow("a wait lasts up to 7 days");
  });

  test("what is due has a name that sorts by its time, whatever its id", () => {
    const times = [0, 1, 35, 36, NOON, NOON + 1, 8.64e15];
    const names = times.map((time, index) => dueName(time, `wait-${9 - index}`));
    expect([...names].sort()).toEqual(names);
    expect(dueName(-5, "wait-a")).toBe(dueName(0, "wait-a"));
    expect(dueName(NOON, "wait-a") < dueName(NOON, ""), "what is due this very moment waits for the next").toBe(false);
  });
});

/** A relay on one store, by a clock the test holds, in which ann, bob and cay are. */
class World {
  clock = NOON;
  readonly dir = `${tempDir()}/.relay`;
  readonly store: Store;

  constructor(kind: "memory" | "file") {
    const now = () => this.clock;
    this.store = kind === "memory" ? new MemoryStore({ now }) : new FileStore(this.dir, { durability: "process", now });
  }

  static async of(kind: "memory" | "file"): Promise<World> {
    const world = new World(kind);
    for (const session of ["ann", "bob", "cay"]) await world.as(session).agents.register();
    return world;
  }

  as(session: string, options: RelayOptions = {}): Relay {
    return new Relay(this.dir, {
      session,
      name: session,
      agent: "claude",
      store: this.store,
      now: () => this.clock,
      ...options,
    });
  }

  toldTo(session: string): Promise<string[]> {
    return toldTo(this.store, session);
  }
}

/** An agent whose process lives until it is killed. */
async function livingAgent(world: World, session: string): Promise<ChildProcess> {
  const child = await living();
  await world.as(session).agents.register({ pid: child.pid });
  return child;
}

interface Scene {
  readonly what: string;
  /** Makes what bob waits for, and what does not end that wait. */
  readonly begin: (world: World) => Promise<WaitFor>;
  readonly end: (world: World, wished: WaitFor) => Promise<unknown>;
  readonly outcome: RegExp;
}

const SCENES: readonly Scene[] = [
  {
    what: "a path to be released",
    begin: async (world) => {
      await world.as("ann").claim("src/db.ts", { ttlMs: 8 * 3_600_000 });
      await world.as("ann").claim("docs");
      await world.as("ann").release("docs");
      return { released: ["src/*.ts"] };
    },
    end: (world) => world.as("ann").release("src/db.ts"),
    outcome: /^src\/\*\.ts is free$/,
  },
  {
    what: "a resource to be released",
    begin: async (world) => {
      await world.as("ann").claim([], { resources: ["ci"] });
      return { resources: ["ci"] };
    },
    end: (world) => world.as("ann").claims.releaseAll(),
    outcome: /^resource ci is free$/,
  },
  {
    what: "an agent to end",
    begin: async (world) => {
      await world.as("cay").agents.unregister();
      await world.as("cay").agents.register();
      return { ended: ["ann"] };
    },
    end: (world) => world.as("ann").agents.unregister(),
    outcome: /^ann has left$/,
  },
  {
    what: "a message from one and of a kind",
    begin: async (world) => {
      await world.as("cay").send("not from ann", { to: "bob", kind: "question" });
      await world.as("ann").send("no question", { to: "bob" });
      await world.as("ann").send("not to bob", { to: "cay", kind: "question" });
      return { message: true, from: "ann", kind: "question" };
    },
    end: (world) => world.as("ann").send("which port?", { kind: "question" }),
    outcome: /^msg-\w+ from ann$/,
  },
  {
    what: "an answer",
    begin: async (world) => {
      const { id } = await world.as("bob").send("which port?", { to: "ann" });
      await world.as("bob").reply(id, "nobody?");
      await world.as("ann").send("something else", { to: "bob", thread: id });
      const { id: taken } = await world.as("ann").reply(id, "a slip");
      await world.as("ann").messages.withdraw(taken);
      return { replyTo: [id] };
    },
    end: (world, { replyTo: [id = ""] = [] }) => world.as("ann").reply(id, "4800"),
    outcome: /^msg-\w+ from ann$/,
  },
  {
    what: "a task to be done",
    begin: async (world) => {
      const { id } = await world.as("ann").tasks.add("parse");
      await world.as("ann").tasks.claim(id);
      return { taskDone: [id] };
    },
    end: (world) => world.as("ann").tasks.done("parse"),
    outcome: /^task-\w+ is done by ann$/,
  },
  {
    what: "a task that is cancelled",
    begin: async (world) => ({ taskDone: [(await world.as("ann").tasks.add("parse")).id] }),
    end: (world) => world.as("ann").tasks.cancel("parse"),
    outcome: /^task-\w+ was cancelled$/,
  },
];

describe.each([{ kind: "memory" as const }, { kind: "file" as const }])("on the $kind store", ({ kind }) => {
  describe.each(SCENES)("a wait for $what", ({ begin, end, outcome }) => {
    test("that was subscribed to is told of once, by whoever makes it true, and can be looked up", async () => {
      const world = await World.of(kind);
      const wished = await begin(world);
      const wait = await world.as("bob").waits.subscribe(wished);
      expect(wait).toMatchObject({ state: "pending", session_id: "bob", created_at: iso(NOON), any: false });
      await world.as("cay").messages.unreadCount();
      expect(await world.toldTo("bob")).toEqual([]);
      expect(await world.as("cay").waits.list()).toEqual([wait]);

      world.clock += 1000;
      await end(world, wished);
      await world.as("cay").messages.unreadCount();
      const [told = "", ...more] = await world.toldTo("bob");
      expect(more).toEqual([]);
      const after = await world.as("cay").waits.get(wait.id);
      expect(after).toMatchObject({
        state: "satisfied",
        ended_at: iso(NOON + 1000),
        outcome: [expect.stringMatching(outcome)],
      });
      expect(told).toContain(wait.id);
      expect(told).toContain(after.outcome?.[0]);
      expect(await world.as("bob").messages.get(after.message ?? "")).toMatchObject({
        kind: "status",
        to_session: "bob",
      });
      expect((await world.as("bob").messages.unread()).messages.map(({ id }) => id)).toContain(after.message);
      expect(await world.as("cay").waits.list()).toEqual([]);
    });

    test("that blocks ends when it comes true, and at once where it is true already", async () => {
      const world = await World.of(kind);
      const wished = await begin(world);
      const bob = world.as("bob");
      await expect(bob.wait(wished, { timeoutMs: 1 })).rejects.toMatchObject({ code: "timed_out" });
      const waiting = bob.wait(wished, { timeoutMs: MINUTE });
      await end(world, wished);
      expect(await waiting).toEqual({ outcome: [expect.stringMatching(outcome)] });
      const again = await bob.wait(wished, { timeoutMs: 1 });
      expect(again).toEqual({ outcome: [expect.stringMatching(outcome)] });
      expect(await world.toldTo("bob"), "who waits here needs no message").toEqual([]);
      expect((await world.store.get("claims/live"))?.edges ?? []).toEqual([]);
    });

    test("that is true already is over at once, can be looked up, and is not told of by a message", async () => {
      const world = await World.of(kind);
      const wished = await begin(world);
      await end(world, wished);
      const wait = await world.as("bob").waits.subscribe(wished);
      expect(wait).toMatchObject({ state: "satisfied", outcome: [expect.stringMatching(outcome)] });
      expect(await world.as("cay").waits.get(wait.id)).toEqual(wait);
      expect(await world.toldTo("bob")).toEqual([]);
    });

    test("is told of once, though all look at the same time", async () => {
      const world = await World.of(kind);
      const wished = await begin(world);
      const wait = await world.as("bob").waits.subscribe(wished);
      const all = ["ann", "bob", "cay", "bob", "cay", "cay"].map((session) => world.as(session));
      await Promise.all([end(world, wished), ...all.map((relay) => relay.messages.unreadCount())]);
      await Promise.all(all.map((relay) => relay.messages.unreadCount()));
      expect(await world.toldTo("bob")).toHaveLength(1);
      expect((await world.as("ann").waits.get(wait.id)).state).toBe("satisfied");
    });
  });

  test("all that is waited for must be true, or with any one of it", async () => {
    const world = await World.of(kind);
    await world.as("ann").claim("src");
    const wished: WaitFor = { released: ["src"], from: "ann" };
    const bob = world.as("bob");
    const [all, any] = [await bob.waits.subscribe(wished), await bob.waits.subscribe(wished, { any: true })];
    await world.as("ann").release("src");
    expect((await bob.waits.get(any.id)).outcome).toEqual(["src is free"]);
    expect((await bob.waits.get(all.id)).state).toBe("pending");
    await world.as("ann").send("hello", { to: "bob" });
    expect((await bob.waits.get(all.id)).outcome).toEqual(["src is free", expect.stringMatching(/^msg-\w+ from ann$/)]);
    expect(await world.toldTo("bob")).toHaveLength(2);
  });

  test("what does not come in time is told of too, once, by whoever looks then", async () => {
    const world = await World.of(kind);
    await world.as("ann").claim("src", { ttlMs: 8 * 3_600_000 });
    const wait = await world.as("bob").waits.subscribe({ released: ["src"] }, { timeoutMs: MINUTE });
    world.clock += MINUTE - 1;
    await world.as("cay").messages.unreadCount();
    expect(await world.toldTo("bob")).toEqual([]);
    world.clock += 1;
    for (const session of ["cay", "bob", "ann"]) await world.as(session).messages.unreadCount();
    expect(await world.toldTo("bob")).toEqual([
      `You waited for src to be free (${wait.id}), and it did not come in time`,
    ]);
    expect(await world.as("ann").waits.get(wait.id)).toMatchObject({ state: "timed_out", ended_at: iso(world.clock) });
    await world.as("ann").release("src");
    expect(await world.toldTo("bob"), "what comes later is no news").toHaveLength(1);
  });

  test("a wait can be cancelled by who waits, and what was over before stays as it was", async () => {
    const world = await World.of(kind);
    await world.as("ann").claim("src");
    const { id } = await world.as("bob").waits.subscribe({ released: ["src"] });
    await expect(world.as("cay").waits.cancel(id)).rejects.toMatchObject({ code: "refused" });
    world.clock += 1000;
    const cancelled = await world.as("bob").waits.cancel(id);
    expect(cancelled).toMatchObject({ state: "cancelled", ended_at: iso(NOON + 1000), outcome: [] });
    world.clock += 1000;
    expect(await world.as("bob").waits.cancel(id)).toEqual(cancelled);
    await world.as("ann").release("src");
    expect(await world.as("cay").waits.get(id)).toEqual(cancelled);
    expect(await world.toldTo("bob")).toEqual([]);

    const won = await world.as("bob").waits.subscribe({ ended: ["ann"] });
    await world.as("ann").agents.unregister();
    expect((await world.as("bob").waits.cancel(won.id)).state).toBe("satisfied");
    expect(await world.toldTo("bob")).toHaveLength(1);
    for (const wrong of ["wait-nothing", "msg-1", "../x", ""])
      await expect(world.as("bob").waits.cancel(wrong), wrong).rejects.toMatchObject({ code: "not_found" });
  });

  test("the waits of an agent that has left end with it, without a message", async () => {
    const world = await World.of(kind);
    await world.as("ann").claim("src");
    const { id } = await world.as("bob").waits.subscribe({ released: ["src"] });
    await world.as("bob").agents.unregister();
    await world.as("ann").release("src");
    expect((await world.as("cay").waits.get(id)).state).toBe("ended");
    await world.as("bob").agents.register();
    expect(await world.toldTo("bob")).toEqual([]);
  });

  test("the waits of an agent that has left are over for itself too, when it comes back", async () => {
    const world = await World.of(kind);
    await world.as("ann").claim("src");
    const { id } = await world.as("bob").waits.subscribe({ released: ["src"] });
    await world.as("bob").agents.unregister();
    expect((await world.store.get(`waits/${id}`))?.state).toBe("ended");
    await world.as("bob").agents.register();
    await world.as("ann").release("src");
    expect(await world.toldTo("bob")).toEqual([]);
  });

  test("the waits of an agent whose process was killed end, without a message", async () => {
    const world = await World.of(kind);
    const child = await livingAgent(world, "bob");
    await world.as("ann").claim("src");
    const { id } = await world.as("bob").waits.subscribe({ released: ["src"] });
    await killed(child);
    await world.as("ann").release("src");
    expect(await world.as("cay").waits.get(id)).toMatchObject({ state: "ended" });
    expect(await world.toldTo("bob")).toEqual([]);
  });

  test("a holder that was killed, and an agent that was, end the waits for them", async () => {
    const world = await World.of(kind);
    const child = await livingAgent(world, "ann");
    await world.as("ann").claim("src", { ttlMs: 8 * 3_600_000 });
    await world.as("bob").waits.subscribe({ released: ["src"] });
    await world.as("bob").waits.subscribe({ ended: ["ann"] });
    await world.as("cay").messages.unreadCount();
    expect(await world.toldTo("bob")).toEqual([]);
    await killed(child);
    await world.as("cay").messages.unreadCount();
    const told = await world.toldTo("bob");
    expect(told.sort((a, b) => b.length - a.length)).toEqual([
      expect.stringContaining("ann to end: the process of ann has died"),
      expect.stringContaining("src to be free: src is free"),
    ]);
  });

  test("a lease that simply ran out is told of by whoever looks first", async () => {
    const world = await World.of(kind);
    await world.as("ann").claim("src", { ttlMs: 10_000 });
    const { id } = await world.as("bob").waits.subscribe({ released: ["src"] });
    world.clock += 9999;
    await world.as("cay").messages.unreadCount();
    expect(await world.toldTo("bob")).toEqual([]);
    world.clock += 1;
    expect((await world.as("bob").messages.unread()).messages.map(({ content }) => content)).toEqual([
      expect.stringContaining(`What you waited for came true (${id})`),
    ]);
  });

  test("how a condition stands says who has to act, and when it may come true by itself", async () => {
    const world = await World.of(kind);
    await world.as("ann").claim("src", { ttlMs: MINUTE });
    await world.as("cay").claim("docs", { ttlMs: 2 * MINUTE });
    const { id } = await world.as("bob").send("?", { to: "cay" });
    const task = await world.as("ann").tasks.add("parse");
    const stand = (condition: Parameters<typeof conditionState>[1]) => conditionState(contextOf(world), condition);
    expect(await stand({ event: "released", targets: [{ path: "src" }, { path: "docs/x" }] })).toEqual({
      ...{ on: ["ann", "cay"], at: NOON + 2 * MINUTE },
    });
    expect(await stand({ event: "ended", session: "ann" })).toEqual({ on: ["ann"] });
    expect(await stand({ event: "message" })).toEqual({ on: [] });
    expect(await stand({ event: "message", session: "ann" })).toEqual({ on: ["ann"] });
    expect(await stand({ event: "reply", id })).toEqual({ on: ["cay"] });
    expect(await stand({ event: "task", id: task.id })).toEqual({ on: [] });
    await world.as("ann").tasks.claim(task.id);
    expect(await stand({ event: "task", id: task.id })).toEqual({ on: ["ann"] });
  });

  test("one's own claims keep nobody waiting: what one holds oneself counts as free", async () => {
    const world = await World.of(kind);
    await world.as("bob").claim("src");
    expect(await world.as("bob").wait({ released: ["src"] }, { timeoutMs: 1 })).toEqual({ outcome: ["src is free"] });
  });

  test("a wait for nothing, for nobody, or for what is not there, is an error", async () => {
    const world = await World.of(kind);
    const errors: [WaitFor, string][] = [
      [{}, "usage"],
      [{ released: [], ended: [] }, "usage"],
      [{ released: [""] }, "usage"],
      [{ resources: ["../x"] }, "usage"],
      [{ ended: ["nobody-here"] }, "not_found"],
      [{ from: "nobody-here" }, "not_found"],
      [{ replyTo: ["msg-nothing"] }, "not_found"],
      [{ taskDone: ["no such task"] }, "not_found"],
    ];
    for (const [wished, code] of errors)
      for (const way of [(bob: Relay) => bob.wait(wished), (bob: Relay) => bob.waits.subscribe(wished)])
        await expect(way(world.as("bob")), JSON.stringify(wished)).rejects.toMatchObject({ code });
    for (const timeout of [0, -1, 8 * 86_400_000])
      await expect(world.as("bob").wait({ message: true }, { timeoutMs: timeout })).rejects.toMatchObject({
        code: "usage",
      });
    const secret = await world.as("ann").send("between us", { to: "cay" });
    await expect(world.as("bob").waits.subscribe({ replyTo: [secret.id] })).rejects.toMatchObject({
      code: "not_found",
    });
  });

  test("a wait that is aborted ends with that reason and leaves nothing behind", async () => {
    const world = await World.of(kind);
    await world.as("ann").claim("src");
    const end = new AbortController();
    const waiting = world.as("bob").wait({ released: ["src"] }, { timeoutMs: MINUTE, signal: end.signal });
    const edges = async () => (await world.store.get("claims/live"))?.edges;
    await expect.poll(edges).toMatchObject([{ session_id: "bob", on: ["ann"] }]);
    end.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect(await edges()).toEqual([]);
  });

  test("one whose inbox is full holds up nobody else's news, and no release fails for it", async () => {
    const world = await World.of(kind);
    const store: Store =
      kind === "memory"
        ? new MemoryStore({ now: () => world.clock, inboxLimit: 1 })
        : new FileStore(`${tempDir()}/.relay`, { durability: "process", now: () => world.clock, inboxLimit: 1 });
    const as = (session: string) => world.as(session, { store });
    for (const session of ["ann", "bob", "cay"]) await as(session).agents.register();
    await as("ann").claim("src");
    const waits: Wait[] = [];
    for (const session of ["bob", "cay"]) waits.push(await as(session).waits.subscribe({ released: ["src"] }));
    await as("ann").send("fills it", { to: "bob" });
    await as("ann").release("src");
    expect((await as("cay").messages.unread()).messages.map(({ content }) => content)).toEqual([
      expect.stringContaining("src is free"),
    ]);
    await as("bob").inbox();
    expect(
      (await as("bob").messages.unread()).messages.map(({ content }) => content),
      "when there is room",
    ).toEqual([expect.stringContaining("src is free")]);
    for (const { id } of waits) expect((await as("ann").waits.get(id)).state).toBe("satisfied");
  });

  test("a record of a wait that names no session, or a path, stops nobody's look", async () => {
    const world = await World.of(kind);
    const plain = { session_id: "bob", agent_id: "x", any: false, state: "pending", created_at: 0, expires_at: 8e15 };
    const ended = (session: unknown) => [{ event: "ended", session }];
    const broken: object[] = [
      { ...plain, id: "wait-a", conditions: ended("../../x") },
      { ...plain, id: "wait-b", conditions: ended("ann"), session_id: "../../x" },
      { ...plain, id: "wait-c", conditions: [{ event: "reply", id: "../x" }] },
      { ...plain, id: "wait-d", conditions: [{ event: "task", id: "../x" }] },
      { ...plain, id: "wait-e", conditions: [{ event: "answer", id: "../x" }] },
      { ...plain, id: "../x", conditions: [] },
      { ...plain, id: "wait-g", conditions: [], expires_at: 9e99 },
      { id: "wait-h" },
    ];
    for (const [index, record] of broken.entries()) {
      const id = `wait-${"abcdefgh"[index]}`;
      await world.store.mark(`waits/pending/${id}`);
      await world.store.create(`waits/${id}`, { ...record });
    }
    await world.as("ann").send("still heard", { to: "cay" });
    expect((await world.as("cay").messages.unread()).messages.map(({ content }) => content)).toEqual(["still heard"]);
    await world.as("ann").claim("src");
    const { id } = await world.as("cay").waits.subscribe({ released: ["src"] });
    await world.as("ann").release("src");
    expect((await world.as("cay").waits.get(id)).state).toBe("satisfied");
  });

  test("whatever write the process dies at, before or after it, the news is told exactly once in the end", async () => {
    let points = 0;
    for (const when of ["before", "after"] as const)
      for (let n = 1; ; n++) {
        const world = await World.of(kind);
        await world.as("ann").claim("src");
        const { id } = await world.as("bob").waits.subscribe({ released: ["src"] });
        const dying = dyingAt(world.store, n, when);
        const died = await world
          .as("ann", { store: dying })
          .release("src")
          .then(() => false, isDeath);
        await world.as("ann").claims.releaseAll();
        for (const session of ["cay", "bob", "cay"]) await world.as(session).messages.unreadCount();
        expect(await world.toldTo("bob"), `${when} write ${n}`).toHaveLength(1);
        expect((await world.as("bob").messages.unread()).messages.map((message) => message.from_session)).toEqual([
          "system",
        ]);
        expect(await world.as("cay").waits.get(id)).toMatchObject({ state: "satisfied", outcome: ["src is free"] });
        expect(await world.store.marks("waits/pending")).toEqual([]);
        if (!died) break;
        points++;
      }
    expect(
      points,
      "the claim, the log, the wait, the log, the message, the mark; before and after",
    ).toBeGreaterThanOrEqual(12);
  });

  test("whatever write a subscription dies at, nobody is told of a wait that does not exist, and later looks go on", async () => {
    for (let n = 1; ; n++) {
      const world = await World.of(kind);
      await world.as("ann").claim("src");
      const dying = dyingAt(world.store, n, "before");
      const died = await world
        .as("bob", { store: dying })
        .waits.subscribe({ released: ["src"] })
        .then(() => false, isDeath);
      await world.as("ann").release("src");
      await world.as("cay").messages.unreadCount();
      const stored = (await world.store.list("waits")).length;
      expect(await world.toldTo("bob"), `write ${n}`).toHaveLength(stored);
      world.clock += 11 * MINUTE;
      await world.as("cay").messages.unreadCount();
      expect(await world.store.marks("waits/pending")).toEqual([]);
      if (!died) break;
    }
  });
});

test("a wait's file on disk is one readable record, and looking whether anybody waits makes no folder", async () => {
  const world = await World.of("file");
  await world.as("cay").messages.unreadCount();
  expect(fs.existsSync(`${world.dir}/waits`)).toBe(false);
  await world.as("ann").claim("src");
  const wait = await world.as("bob").waits.subscribe({ released: ["src"] });
  expect(JSON.parse(fs.readFileSync(`${world.dir}/waits/${wait.id}.json`, "utf8"))).toEqual(wait);
});

class Death extends Error {}

function isDeath(error: unknown): true {
  if (error instanceof Death) return true;
  throw error;
}

const WRITES = ["create", "update", "publish", "mark", "unmark", "append"] as const;

/** The store as a process has it that dies at its n-th write: that one and all after it do not happen, or only those after it. */
function dyingAt(store: Store, n: number, when: "before" | "after"): Store {
  let count = 0;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        const isWrite = WRITES.some((write) => write === name);
        if (count > n || (isWrite && ++count === n && when === "before")) {
          count = n + 1;
          throw new Death(`${String(name)} ${String(args[0])}`);
        }
        const result: unknown = await Reflect.apply(value, target, args);
        if (isWrite && count === n) {
          count = n + 1;
          throw new Death(`after ${String(name)} ${String(args[0])}`);
        }
        return result;
      };
    },
  });
}

/** What bob looks with. */
function contextOf(world: World): Parameters<typeof conditionState>[0] {
  return makeContext({
    store: world.store,
    project: world.dir,
    session: "bob",
    agent: "claude",
    now: () => world.clock,
  });
}
