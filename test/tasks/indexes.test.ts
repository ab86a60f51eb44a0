import fc from "fast-check";
import { expect, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { isOver, type Task } from "../../src/tasks/task.ts";
import { tempDir } from "../support/cli.ts";
import { isWhole } from "../support/scale.ts";
import { Board } from "../support/task-board.ts";

const SESSIONS = ["ann", "bob", "cay"];
const TITLES = ["Parse", "PARSE", "parse headers", "(parse)", "Übergröße", "ÜBERGRÖSSE", "日本語", "-", "a/../b"];

const session = fc.constantFrom(...SESSIONS);
const pick = fc.nat(20);
const title = fc.constantFrom(...TITLES);
const priority = fc.integer({ min: -2, max: 2 });
const some = fc.array(pick, { maxLength: 3 });
const act = fc.oneof(
  { weight: 5, arbitrary: fc.record({ what: fc.constant("add" as const), session, title, priority, after: some }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("next" as const), session }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("claim" as const), session, pick, early: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("done" as const), session, pick }) },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constantFrom("cancel", "release", "block", "unblock", "note"),
      session,
      pick,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant("edit" as const),
      ...{ session, pick },
      edit: fc.record({ title, priority, after: some }, { requiredKeys: [] }),
    }),
  },
  fc.record({ what: fc.constant("leave" as const), session }),
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant("time" as const), ms: fc.constantFrom(1, 10_000, 1_800_000) }),
  },
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** Does it, and says which record it may have changed. */
async function perform(board: Board, act: Act): Promise<string | undefined> {
  board.clock += 1;
  if (act.what === "time") {
    board.clock += act.ms;
    return undefined;
  }
  const relay = board.as(act.session);
  const { tasks } = relay;
  const all = await board.records();
  const idAt = (index: number) => all[index % Math.max(1, all.length)]?.id ?? "task-none";
  const idsAt = (list: readonly number[]) => (all.length === 0 ? [] : list.map(idAt));
  if (act.what === "leave") return void (await relay.agents.unregister());
  if (act.what === "add") {
    const { after, title, priority } = act;
    return (await tasks.add(title, { priority, dependsOn: idsAt(after) })).id;
  }
  if (act.what === "next") {
    const [best] = await board.ready(act.session);
    const got = await tasks.next();
    expect(got?.id, "next takes the best").toBe(best?.id);
    if (got) expect(got).toMatchObject({ state: "in_progress", owner: { session_id: act.session } });
    return got?.id;
  }
  const id = idAt(act.pick);
  if (act.what === "claim") await tasks.claim(id, { ignoreDependencies: act.early });
  if (act.what === "done") await finish(board, id, () => tasks.done(id));
  if (act.what === "cancel") await finish(board, id, () => tasks.cancel(id));
  if (act.what === "release") await tasks.release(id);
  if (act.what === "block") await tasks.block(id, "no key");
  if (act.what === "unblock") await tasks.unblock(id);
  if (act.what === "note") await tasks.note(id, "see this");
  if (act.what === "edit") {
    const { after, ...rest } = act.edit;
    await tasks.edit(id, { ...rest, ...(after && { dependsOn: idsAt(after) }) });
  }
  return id;
}

/** What is told to have become ready by an end is what was not ready before. */
async function finish(board: Board, id: string, end: () => Promise<{ ready: readonly Task[] }>): Promise<void> {
  const isWaiting = (task: Task) => task.depends_on.includes(id) && task.state === "pending";
  const before = (await board.records()).filter(isWaiting).map((task) => task.id);
  const { ready } = await end();
  const now = (await board.ready()).map((task) => task.id);
  expect(ready.map((task) => task.id).sort()).toEqual(before.filter((each) => now.includes(each)).sort());
}

async function tryTo(board: Board, act: Act): Promise<void> {
  const before = await board.records();
  let changed: string | undefined;
  try {
    changed = await perform(board, act);
  } catch (error) {
    if (!(error instanceof RelayError)) throw error;
    expect(["conflict", "refused", "not_found"]).toContain(error.code);
    expect(await board.records(), "what is refused changes nothing").toEqual(before);
    return;
  }
  const others = (tasks: readonly Task[]) => tasks.filter(({ id }) => id !== changed);
  expect(others(await board.records()), "one thing changes one task").toEqual(others(before));
}

function story(makeStore: (now: () => number) => Store, sizes: { runs: number; length: number }): Promise<void> {
  return fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: sizes.length }), async (acts) => {
      const board = new Board(makeStore);
      for (const each of acts) {
        await tryTo(board, each);
        await board.expectListed();
      }
      for (const title of TITLES) await expectFound(board, title);
      await board.expectEmptied();
    }),
    { numRuns: sizes.runs },
  );
}

async function expectFound(board: Board, title: string): Promise<void> {
  const meant = (await board.records()).filter(
    (task) => !isOver(task) && task.title.toLowerCase() === title.toLowerCase(),
  );
  for (const word of [title, title.toUpperCase(), `  ${title}\t`].filter(
    (word) => word.trim().toLowerCase() === title.toLowerCase(),
  )) {
    const found = board
      .as("ann")
      .tasks.get(word)
      .then(
        ({ id }) => id,
        (error: RelayError) => error.code,
      );
    const expected = meant.length === 1 ? meant[0]?.id : meant.length === 0 ? "not_found" : "usage";
    expect(await found, JSON.stringify(word)).toBe(expected);
  }
}

test("in memory, whatever is done by several with time passing, the lists say what the records say, and next takes the best", async () => {
  await story((now) => new MemoryStore({ now }), { runs: isWhole ? 150 : 50, length: 40 });
});

test("on the disk, whatever is done by several with time passing, the lists say what the records say, and next takes the best", async () => {
  const folder = tempDir();
  let count = 0;
  await story((now) => new FileStore(`${folder}/${count++}`, { now, durability: "process" }), { runs: 8, length: 25 });
});

test("a list has at most as many as were asked for, and says if there are more", async () => {
  const board = new Board((now) => new MemoryStore({ now }));
  const { tasks } = board.as("ann");
  for (let index = 0; index < 60; index++, board.clock++) await tasks.add(`number ${index}`, { priority: index % 3 });
  for (const which of ["open", "ready"] as const) {
    const found = await tasks.list({ which });
    expect([found.tasks.length, found.has_more]).toEqual([50, true]);
    expect(found.tasks.map(({ priority }) => priority)).toEqual([
      ...Array(20).fill(2),
      ...Array(20).fill(1),
      ...Array(10).fill(0),
    ]);
    expect(await tasks.list({ which, limit: 60 })).toMatchObject({ has_more: false });
    expect((await tasks.list({ which, limit: 59 })).has_more).toBe(true);
  }
  const all = await tasks.list({ which: "all", limit: 2 });
  expect([all.tasks.map(({ title }) => title), all.has_more]).toEqual([["number 59", "number 58"], true]);
});
