import { expect, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { FatefulStore, Killed, killedAtWrite, Stopped } from "../support/killable-store.ts";
import { Board } from "../support/task-board.ts";

async function boardOf(...titles: readonly string[]): Promise<Board> {
  const board = new Board((now) => new MemoryStore({ now }));
  await board.as("ann").agents.register({ name: "ann" });
  for (const title of titles) {
    board.clock += 1;
    await board.as("ann").tasks.add(title);
  }
  return board;
}

/** Makes one task wait for others; says what came of it. */
async function bind(board: Board, title: string, after: readonly string[], store?: Store): Promise<string> {
  try {
    await board.fresh("ann", store).tasks.edit(title, { dependsOn: after });
    return "edited";
  } catch (error) {
    if (error instanceof Killed) return "killed";
    if (error instanceof RelayError) return error.code;
    throw error;
  }
}

async function expectNoCircle(board: Board): Promise<void> {
  const waitsFor = new Map((await board.records()).map((task) => [task.id, task.depends_on]));
  const left = new Set(waitsFor.keys());
  for (let size = -1; size !== left.size; ) {
    size = left.size;
    for (const id of left) if (!waitsFor.get(id)?.some((other) => left.has(other))) left.delete(id);
  }
  expect([...left], "each of these waits for another of them").toEqual([]);
}

test("an edit that stops anywhere while others edit the same closes no circle when it goes on", async () => {
  const rounds: [title: string, after: string[]][][] = [
    [["b", ["a"]]],
    [
      ["a", ["c"]],
      ["b", ["a"]],
    ],
    [
      ["b", ["c"]],
      ["c", ["a"]],
    ],
    [
      ["a", []],
      ["b", ["a"]],
    ],
    [
      ["a", ["c"]],
      ["a", []],
      ["b", ["a"]],
    ],
  ];
  for (const others of rounds)
    for (let n = 1, isOver = false; !isOver; n++) {
      const board = await boardOf("a", "b", "c");
      const stopped = new Stopped(board.store, n);
      const slow = bind(board, "a", ["b"], stopped.store);
      isOver = (await Promise.race([stopped.reached, slow])) !== "stopped";
      for (const [title, after] of others) await bind(board, title, after);
      stopped.goOn();
      await slow;
      await expectNoCircle(board);
      await board.expectListed();
    }
});

test("an edit that was killed anywhere keeps nobody from the contrary for longer than a minute", async () => {
  for (let n = 1, isOver = false; !isOver; n++) {
    const board = await boardOf("a", "b");
    isOver = (await bind(board, "a", ["b"], killedAtWrite(board.store, n))) !== "killed";
    const [a] = await board.records();
    board.clock += 60_001;
    const isBound = a?.depends_on.length !== 0;
    expect(await bind(board, "b", ["a"]), `killed at write ${n}`).toBe(isBound ? "conflict" : "edited");
  }
});

test("what is over closes no circle", async () => {
  const board = await boardOf("a", "b");
  const [a] = await board.records();
  expect(await bind(board, "a", ["b"])).toBe("edited");
  await board.as("ann").tasks.cancel("a");
  expect(await bind(board, "b", [a?.id ?? ""])).toBe("edited");
  expect((await board.ready()).map(({ title }) => title)).toEqual(["b"]);
});

test("a task whose dependencies were taken away again can be waited for by what it waited for", async () => {
  const board = await boardOf("a", "b");
  expect(await bind(board, "a", ["b"])).toBe("edited");
  expect(await bind(board, "b", ["a"])).toBe("conflict");
  expect(await bind(board, "a", [])).toBe("edited");
  expect(await bind(board, "b", ["a"])).toBe("edited");
});

test("a circle over tasks that were made so is found too", async () => {
  const board = await boardOf("a");
  const { tasks } = board.as("ann");
  board.clock += 1;
  await tasks.add("b", { dependsOn: ["a"] });
  board.clock += 1;
  await tasks.add("c", { dependsOn: ["b"] });
  await expect(tasks.edit("a", { dependsOn: ["c"] })).rejects.toThrow(/waits for .* waits for .* waits for/);
  await expectNoCircle(board);
});

test("renewing lets every task of a session last, also one that it took before its turn", async () => {
  const board = await boardOf("a", "b");
  await bind(board, "b", ["a"]);
  const { tasks } = board.as("bob");
  await tasks.claim("a", { ttlMs: 60_000 });
  await tasks.claim("b", { ttlMs: 120_000, ignoreDependencies: true });
  board.clock += 30_000;
  const renewed = await tasks.renew();
  expect(renewed.map(({ title }) => title).sort()).toEqual(["a", "b"]);
  for (const { owner } of renewed) expect(Date.parse(owner?.expires_at ?? "")).toBe(board.clock + (owner?.ttl_ms ?? 0));
  expect(await board.as("cay").tasks.renew()).toEqual([]);
});

test("renewing costs what the session's own tasks cost, however many others there are", async () => {
  const board = await boardOf("mine");
  await board.as("bob").tasks.claim("mine");
  const reads = async () => {
    let count = 0;
    const counted = new FatefulStore(board.store, (call) => {
      if (call === "read") count++;
    });
    expect(await board.fresh("bob", counted).tasks.renew()).toHaveLength(1);
    return count;
  };
  const before = await reads();
  for (let n = 0; n < 50; n++) await board.as("ann").tasks.add(`other ${n}`);
  expect(await reads()).toBe(before);
});
