import fc from "fast-check";
import { describe, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import type { Tasks } from "../../src/relay/tasks.ts";
import type { Relay } from "../../src/relay.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { tempDir } from "../support/cli.ts";
import { Killed, killedAtWrite, Stopped } from "../support/killable-store.ts";
import { rounds, STEP } from "../support/scale.ts";
import { Board } from "../support/task-board.ts";

/** Who does what. */
interface Operation {
  readonly session: string;
  run(tasks: Tasks, relay: Relay): Promise<unknown>;
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  add: { session: "cay", run: (tasks) => tasks.add("new") },
  "add after others": {
    session: "cay",
    run: (tasks) => tasks.add("new", { dependsOn: ["mine", "base"], priority: 3, files: ["x.ts"] }),
  },
  claim: { session: "cay", run: (tasks) => tasks.claim("base") },
  "claim before its turn": { session: "cay", run: (tasks) => tasks.claim("after mine", { ignoreDependencies: true }) },
  "claim with files": { session: "cay", run: (tasks) => tasks.claim("left", { claimFiles: true }) },
  renew: { session: "ann", run: (tasks) => tasks.renew() },
  next: { session: "cay", run: (tasks) => tasks.next() },
  "next with files": { session: "dan", run: (tasks) => tasks.next({ claimFiles: true }) },
  done: { session: "ann", run: (tasks) => tasks.done("mine") },
  "done by another": { session: "cay", run: (tasks) => tasks.done("mine") },
  "done of theirs": { session: "bob", run: (tasks) => tasks.done("theirs") },
  cancel: { session: "cay", run: (tasks) => tasks.cancel("base") },
  release: { session: "ann", run: (tasks) => tasks.release("mine") },
  block: { session: "cay", run: (tasks) => tasks.block("base", "no key") },
  "block one's own": { session: "ann", run: (tasks) => tasks.block("mine", "no key") },
  unblock: { session: "cay", run: (tasks) => tasks.unblock("stuck") },
  raise: { session: "cay", run: (tasks) => tasks.edit("base", { priority: 7 }) },
  lower: { session: "dan", run: (tasks) => tasks.edit("base", { priority: -7 }) },
  "raise a waiting one": { session: "cay", run: (tasks) => tasks.edit("after mine", { priority: 8 }) },
  "lower a waiting one": { session: "dan", run: (tasks) => tasks.edit("after mine", { priority: -8 }) },
  rename: { session: "cay", run: (tasks) => tasks.edit("base", { title: "ground" }) },
  "rename otherwise": { session: "dan", run: (tasks) => tasks.edit("base", { title: "floor" }) },
  free: { session: "cay", run: (tasks) => tasks.edit("after base", { dependsOn: [] }) },
  bind: { session: "cay", run: (tasks) => tasks.edit("base", { dependsOn: ["mine"] }) },
  "bind otherwise": { session: "dan", run: (tasks) => tasks.edit("base", { dependsOn: ["theirs", "stuck"] }) },
  "close a circle": { session: "dan", run: (tasks) => tasks.edit("base", { dependsOn: ["after mine"] }) },
  "close it from the other side": { session: "ann", run: (tasks) => tasks.edit("mine", { dependsOn: ["base"] }) },
  note: { session: "cay", run: (tasks) => tasks.note("base", "see this") },
  list: { session: "cay", run: (tasks) => tasks.list() },
  "list what is ready": { session: "cay", run: (tasks) => tasks.list({ which: "ready" }) },
};
const RUNS = rounds(300);
const names = Object.keys(OPERATIONS);
const folder = () => `${tempDir()}/.relay`;

/** Ready, waiting, blocked, held and abandoned tasks. */
async function board(dir: string): Promise<Board> {
  const board = new Board((now) => new MemoryStore({ now }), dir);
  const add = (session: string, title: string, priority: number, ...dependsOn: string[]) => {
    board.clock += 1;
    return board.as(session).tasks.add(title, { priority, dependsOn, files: [`${title}.ts`] });
  };
  for (const session of ["ann", "bob", "cay", "dan", "gil"]) await board.as(session).agents.register({ name: session });
  await add("cay", "mine", 0);
  await board.as("ann").tasks.claim("mine");
  await add("cay", "theirs", 0);
  await board.as("bob").tasks.claim("theirs", { claimFiles: true });
  await add("cay", "left", 1);
  await board.as("gil").tasks.claim("left", { claimFiles: true });
  await board.as("gil").agents.unregister();
  await add("cay", "base", 0);
  await add("ann", "after base", 5, "base");
  await add("ann", "after mine", 2, "mine");
  await add("ann", "after all", 9, "mine", "base", "theirs");
  await add("cay", "stuck", 6);
  await board.as("cay").tasks.block("stuck", "no key");
  await add("ann", "after stuck", 3, "stuck");
  board.clock += 1;
  return board;
}

/** Does it as far as fate lets it: what is refused is refused. */
async function run(name: string, board: Board, store = board.store): Promise<"done" | "refused" | "killed"> {
  const operation = OPERATIONS[name];
  if (!operation) throw new Error(`There is no operation "${name}"`);
  const relay = board.fresh(operation.session, store);
  try {
    await operation.run(relay.tasks, relay);
    return "done";
  } catch (error) {
    if (error instanceof Killed) return "killed";
    if (error instanceof RelayError) return "refused";
    throw error;
  }
}

async function expectWhole(board: Board): Promise<void> {
  await board.expectListed();
  await board.expectRenewed();
  await board.expectEmptied();
}

describe("killed at any write, it leaves every ready task where next finds it, and nothing to be done twice", () => {
  test.each(names)("%s", async (name) => {
    const dir = folder();
    for (let n = 1 + (names.indexOf(name) % STEP), isOver = false; !isOver; n += STEP) {
      const after = await board(dir);
      isOver = (await run(name, after, killedAtWrite(after.store, n))) !== "killed";
      await expectWhole(after);
    }
  });

  test("and then whoever looks first is killed too", async () => {
    const dir = folder();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names),
        fc.integer({ min: 1, max: 25 }),
        fc.constantFrom("list", "list what is ready", "next"),
        fc.integer({ min: 1, max: 25 }),
        async (name, n, look, m) => {
          const after = await board(dir);
          await run(name, after, killedAtWrite(after.store, n));
          await run(look, after, killedAtWrite(after.store, m));
          await expectWhole(after);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

test("a process that stops anywhere while others go on, and then goes on or is killed, hides no ready task", async () => {
  const dir = folder();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.tuple(fc.constantFrom(...names), fc.option(fc.integer({ min: 1, max: 25 }))), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.boolean(),
      async (slow, n, others, isKilled) => {
        const after = await board(dir);
        const stopped = new Stopped(after.store, n);
        const running = run(slow, after, stopped.store);
        await Promise.race([stopped.reached, running]);
        for (const [other, m] of others)
          await run(other, after, m === null ? after.store : killedAtWrite(after.store, m));
        if (isKilled) stopped.kill();
        else stopped.goOn();
        await running;
        await expectWhole(after);
      },
    ),
    { numRuns: RUNS },
  );
});
