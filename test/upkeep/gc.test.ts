import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { Relay } from "../../src/relay.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import type { RemovedThing } from "../../src/upkeep/gc.ts";
import { Story } from "../support/cli.ts";
import { treeOf } from "../support/folder-tree.ts";
import { FatefulStore, Killed, killedAtWrite } from "../support/killable-store.ts";

const DAY = 86_400_000;

/** A relay in memory by a clock the test holds, with one of each that is done with, and one of each that is not. */
class Attic {
  clock = Date.parse("2026-03-01T12:00:00.000Z");
  readonly store: Store = new MemoryStore({ now: () => this.clock });

  as(session: string, store = this.store): Relay {
    return new Relay("/nowhere/.relay", { session, agent: "claude", store, now: () => this.clock });
  }

  static async filled(): Promise<Attic> {
    const attic = new Attic();
    const [ann, bob, cay] = ["ann", "bob", "cay"].map((session) => attic.as(session));
    if (!ann || !bob || !cay) throw new Error("three were made");
    for (const each of [ann, bob, cay]) await each.agents.register();
    await ann.send("read by all");
    const asked = await ann.send("asked and read", { to: "cay", kind: "question" });
    for (const each of [bob, cay]) await each.inbox();
    await ann.send("broadcast, unread by who leaves");
    await bob.inbox();
    await ann.send("unread here", { to: "bob" });
    await ann.send("unread by who leaves", { to: "cay" });
    await ann.reply(asked.messages[0]?.id ?? "", "said to myself").catch(() => {});
    await attic.as("gus").agents.register();
    await attic.as("gus").inbox();
    await attic.as("gus").agents.unregister();
    await cay.agents.unregister();
    for (const title of ["done", "open", "held"]) await ann.tasks.add(title);
    for (const title of ["done", "held"]) await ann.tasks.claim(title);
    await ann.tasks.done("done");
    await bob.claim("src", { ttlMs: 8 * 3_600_000 });
    const over = await ann.waits.subscribe({ released: ["src"] });
    await ann.waits.cancel(over.id);
    await ann.decisions.add("we stay");
    await bob.inbox({ limit: 1, show: async (items) => items.slice(1) });
    return attic;
  }

  /** Every record and mark, by its key. */
  async keys(): Promise<string[]> {
    const folders = ["messages", "tasks", "waits", "decisions", "agents", "archive/agents", "claims"];
    const marks = [
      "inboxes/all",
      "inboxes/bob",
      "inboxes/cay",
      "inboxes/cay/open",
      "foreign",
      "waits/pending",
      "tasks/open",
    ];
    const found: string[] = [];
    for (const folder of folders) for (const id of await this.store.list(folder)) found.push(`${folder}/${id}`);
    for (const folder of marks) for (const id of await this.store.marks(folder)) found.push(`${folder}/${id}`);
    for (const id of await this.store.list("messages"))
      for (const mark of await this.store.marks(`threads/${id}`)) found.push(`threads/${id}/${mark}`);
    for (const day of await this.store.logs("activity")) found.push(`activity/${day}`);
    return found;
  }
}

const kinds = (removals: readonly RemovedThing[]) => removals.map(({ kind }) => kind);

describe("what is removed", () => {
  test("is what --dry-run lists, which removes nothing; and a second time there is nothing", async () => {
    const story = new Story();
    await story.as("ann", "register");
    await story.as("bob", "send", "for all");
    await story.as("ann", "inbox");
    await story.as("ann", "task", "add", "short");
    await story.as("ann", "task", "cancel", "short");
    story.now += 31 * DAY;
    const before = treeOf(`${story.cwd}/.relay`);
    const plan = await story.json<RemovedThing[]>("ann", "gc", "--dry-run");
    expect(kinds(plan)).toEqual(["messages", "tasks"]);
    expect((await story.as("ann", "gc", "--dry-run")).out).toMatch(
      /^messages\/.*\ntasks\/.*: it is cancelled\nWould remove 2 things\n$/,
    );
    expect(treeOf(`${story.cwd}/.relay`)).toEqual(before);
    expect(await story.json("ann", "gc")).toEqual(plan);
    expect(await story.json("ann", "gc")).toEqual([]);
  });

  test("each kind goes after its own time, and not a moment before", async () => {
    const attic = await Attic.filled();
    const goneAfter = async (days: number) => {
      const start = attic.clock;
      attic.clock += days * DAY;
      const plan = kinds(await attic.as("ann").admin.gcPlan());
      attic.clock = start;
      return [...new Set(plan)];
    };
    expect(await goneAfter(6.9)).toEqual([]);
    expect(await goneAfter(7.1)).toEqual(["messages", "waits"]);
    expect(await goneAfter(29.9)).toEqual(["messages", "waits"]);
    expect(await goneAfter(30.1)).toEqual(["messages", "tasks", "waits", "sessions"]);
    expect(await goneAfter(92)).toEqual(["messages", "tasks", "waits", "activity", "sessions"]);
  });
});

describe("a session that left long ago", () => {
  test("leaves nothing but what the log says of it: no mail, no marks, no name, no empty folder", async () => {
    const story = new Story();
    await story.as("ann", "register");
    await story.as("bob", "register", "--name", "builder");
    await story.as("ann", "send", "for all");
    const asked = await story.json<{ id: string }>("ann", "send", "--to", "bob", "--kind", "question", "for bob");
    await story.as("bob", "inbox");
    await story.as("bob", "reply", asked.id, "an answer");
    await story.as("ann", "inbox");
    await story.as("bob", "task", "add", "short");
    await story.as("bob", "task", "claim", "short");
    await story.as("bob", "task", "done", "short");
    await story.as("bob", "wait", "--ended", "ann", "--subscribe");
    await story.as("bob", "wait", "--cancel", "all");
    await story.as("bob", "unregister");
    story.now += 100 * DAY;
    await story.as("cleaner", "gc");
    const dir = `${story.cwd}/.relay`;
    for (const [name, mode] of treeOf(dir)) if ((mode & 0o40000) !== 0) fs.utimesSync(path.join(dir, name), 0, 0);
    await story.as("cleaner", "gc"); // which takes no folder that has just changed
    const left = treeOf(dir).map(([name]) => name);
    expect(left.filter((name) => /bob|builder/.test(name))).toEqual([]);
    expect(left.filter((name) => /^(tasks|threads)\/.*\/./.test(name))).toEqual([]);
    expect((await story.as("cay", "register", "--name", "builder")).code, "the name is free").toBe(0);
  });

  test("that has mail to read keeps all it had", async () => {
    const story = new Story();
    await story.as("ann", "register");
    await story.as("bob", "register", "--name", "builder");
    await story.as("bob", "unregister");
    await story.as("ann", "send", "--to", "builder", "for bob");
    story.now += 100 * DAY;
    await story.as("ann", "gc");
    expect((await story.as("bob", "inbox")).out).toContain("for bob");
  });
});

describe("what is kept", () => {
  test("at any age: unread mail, also of who left, open questions, open tasks, pending waits, decisions", async () => {
    const attic = await Attic.filled();
    const wait = await attic.as("ann").waits.subscribe({ taskDone: ["open"] });
    attic.clock += 4000 * DAY;
    await attic.as("bob").claim("src");
    await attic.as("ann").admin.gc();
    const said = await Promise.all(
      (await attic.store.list("messages")).map(async (id) => (await attic.store.get(`messages/${id}`))?.content),
    );
    expect(said).toEqual(
      expect.arrayContaining([
        "asked and read",
        "broadcast, unread by who leaves",
        "unread here",
        "unread by who leaves",
      ]),
    );
    expect(said).not.toContain("read by all");
    expect((await attic.as("ann").tasks.list()).tasks.map(({ title }) => title).sort()).toEqual(["held", "open"]);
    expect(await attic.store.get(`waits/${wait.id}`)).toBeDefined();
    expect(await attic.as("ann").decisions.list()).toHaveLength(1);
    expect(await attic.as("ann").claims.list()).toHaveLength(1);
    const back = await attic.as("cay").inbox();
    expect(back.items.map(({ message }) => message.content)).toEqual(
      expect.arrayContaining(["asked and read", "broadcast, unread by who leaves", "unread by who leaves"]),
    );
  });

  test("a session that left goes once what it had to read is gone, also where its list still names that", async () => {
    const attic = new Attic();
    await attic.as("bob").agents.register();
    const { messages } = await attic.as("ann").send("for all");
    await attic.as("bob").agents.unregister();
    await attic.as("ann").messages.withdraw(messages[0]?.id ?? "");
    attic.clock += 40 * DAY;
    expect(kinds(await attic.as("ann").admin.gc())).toEqual(["messages", "sessions"]);
  });
});

describe("what comes between", () => {
  test("a gc that is killed before any of its writes leaves what the next one finishes", async () => {
    const whole = await Attic.filled();
    whole.clock += 40 * DAY;
    await whole.as("ann").admin.gc();
    const shape = (keys: string[]) => keys.map((key) => key.replace(/-0\w+/g, "")).sort();
    const expected = shape(await whole.keys());
    for (let n = 1; ; n++) {
      const attic = await Attic.filled();
      attic.clock += 40 * DAY;
      const killed = await attic
        .as("ann", killedAtWrite(attic.store, n))
        .admin.gc()
        .then(
          () => false,
          (error) => error instanceof Killed,
        );
      if (!killed) {
        expect(n).toBeGreaterThan(5);
        break;
      }
      await attic.as("ann").admin.gc();
      expect(shape(await attic.keys()), `killed before write ${n}`).toEqual(expected);
    }
  });

  test("mail that comes for a session that left, at any moment of a gc, is kept, and so is the session", async () => {
    for (let n = 1; ; n++) {
      const attic = await Attic.filled();
      attic.clock += 40 * DAY;
      let calls = 0;
      const store = new FatefulStore(attic.store, async () => {
        if (++calls === n) await attic.as("ann").send("late", { to: "gus", keep: true });
      });
      await attic.as("cleaner", store).admin.gc();
      if (calls < n) break;
      const { items } = await attic.as("gus").inbox();
      expect(
        items.map(({ message }) => message.content),
        `at call ${n}`,
      ).toContain("late");
    }
  });
});
