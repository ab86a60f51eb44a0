import { describe, expect, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import {
  checkPriority,
  checkText,
  checkTitle,
  dependencyCycle,
  filesOf,
  holderOf,
  idAt,
  isFree,
  isOver,
  moved,
  placeOf,
  Task,
  type TaskActor,
  type TaskFacts,
  type TaskMove,
  type TaskOwner,
  type TaskState,
  taken,
  titleKey,
} from "../../src/tasks/task.ts";
import { iso } from "../../src/time.ts";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const MINUTE = 60_000;

const owner: TaskOwner = {
  ...{ session_id: "ann", agent_id: "claude", token: 3, since: iso(NOON - MINUTE) },
  ...{ expires_at: iso(NOON + MINUTE), ttl_ms: 30 * MINUTE, claim: "claim-1" },
};

/** What cay made; ann has it if it is in progress, and had it if it is done. */
function task(state: TaskState, more: Partial<Task> = {}): Task {
  return {
    ...{ id: "task-1", title: "Parse headers", files: [], priority: 0, depends_on: [], state, notes: [] },
    ...(state === "in_progress" || state === "done" ? { owner } : {}),
    ...(state === "blocked" || state === "cancelled" ? { reason: "no key" } : {}),
    ...{ created_by: "cay", created_at: iso(NOON - 5 * MINUTE), updated_at: iso(NOON - MINUTE) },
    ...more,
  };
}

const facts: TaskFacts = { now: NOON, isGone: () => false };
const actors = {
  owner: { session_id: "ann", agent_id: "claude" },
  other: { session_id: "bob", agent_id: "codex" },
  creator: { session_id: "cay", agent_id: "claude" },
  person: { session_id: "dan", agent_id: "human", isPerson: true },
} as const satisfies Record<string, TaskActor>;
const LEASES: Readonly<Record<string, TaskFacts>> = {
  live: facts,
  lapsed: { ...facts, now: Date.parse(owner.expires_at) },
  "its holder gone": { ...facts, isGone: (session) => session === "ann" },
};

function move(current: Task, name: TaskMove, actor: TaskActor, facts: TaskFacts): Task {
  return name === "claim"
    ? taken(current, actor, { ttl_ms: MINUTE }, facts)
    : moved(current, name, actor, facts, "why");
}

/** What comes of a move: the state after it, or the code of the refusal. */
function outcome(...args: Parameters<typeof move>): string {
  try {
    return move(...args).state;
  } catch (error) {
    if (error instanceof RelayError) return error.code;
    throw error;
  }
}

describe("who may do what", () => {
  // What a move leads to for each of: owner, other, creator, person. One word: the same for all of them.
  const taking = { claim: "in_progress", done: "conflict", release: "conflict" };
  const over = { ...{ claim: "conflict", done: "conflict", release: "conflict" }, unblock: "conflict" };
  const left = {
    ...{ claim: "in_progress", done: "done refused refused done", release: "pending refused refused pending" },
    ...{ block: "blocked", unblock: "conflict", cancel: "cancelled", edit: "in_progress", note: "in_progress" },
  };
  const table: readonly [state: TaskState, leases: readonly string[], moves: Readonly<Record<TaskMove, string>>][] = [
    [
      "pending",
      Object.keys(LEASES),
      { ...taking, block: "blocked", unblock: "conflict", cancel: "cancelled", edit: "pending", note: "pending" },
    ],
    [
      "in_progress",
      ["live"],
      {
        claim: "in_progress conflict conflict in_progress",
        done: "done refused refused done",
        release: "pending refused refused pending",
        block: "blocked refused blocked blocked",
        unblock: "conflict",
        cancel: "cancelled refused cancelled cancelled",
        edit: "in_progress refused in_progress in_progress",
        note: "in_progress",
      },
    ],
    ["in_progress", ["lapsed", "its holder gone"], left],
    [
      "blocked",
      Object.keys(LEASES),
      { ...over, block: "conflict", unblock: "pending", cancel: "cancelled", edit: "blocked", note: "blocked" },
    ],
    ["done", Object.keys(LEASES), { ...over, block: "conflict", cancel: "conflict", edit: "conflict", note: "done" }],
    [
      "cancelled",
      Object.keys(LEASES),
      { ...over, block: "conflict", cancel: "conflict", edit: "conflict", note: "cancelled" },
    ],
  ];
  const rows = table.flatMap(([state, leases, moves]) =>
    leases.flatMap((lease) => Object.entries(moves).map(([name, expected]) => ({ state, lease, name, expected }))),
  );

  test.each(rows)("$name of what is $state, the lease $lease: $expected", ({ state, lease, name, expected }) => {
    const now = LEASES[lease] ?? facts;
    const outcomes = Object.values(actors).map((actor) => outcome(task(state), name as TaskMove, actor, now));
    const words = expected.split(" ");
    expect(outcomes).toEqual(words.length === 1 ? outcomes.map(() => expected) : words);
  });

  test("every move of every state stands in the table", () => {
    expect(rows).toHaveLength(5 * 8 * 3);
  });

  test("a blocked task that someone had is nobody's", () => {
    const blocked = task("blocked", { owner });
    expect(outcome(blocked, "edit", actors.other, facts)).toBe("blocked");
    expect(outcome(blocked, "cancel", actors.other, facts)).toBe("cancelled");
    expect(moved(blocked, "unblock", actors.other, facts).owner).toBeUndefined();
  });

  test("a refusal says who, or what, and what to type", () => {
    const of = (current: Task, name: TaskMove, actor: TaskActor = actors.other) => {
      try {
        move(current, name, actor, facts);
      } catch (error) {
        if (error instanceof RelayError) return [error.message, error.next];
      }
      return [];
    };
    expect(of(task("in_progress"), "claim")).toEqual([
      'Cannot claim "task-1": ann has it until 2026-03-01T12:01:00Z',
      "agent-relay task next",
    ]);
    expect(of(task("in_progress"), "done")).toEqual([
      'Cannot complete "task-1": ann works on it, not you',
      'agent-relay send --to ann "..."',
    ]);
    expect(of(task("pending"), "done")).toEqual([
      'Cannot complete "task-1": nobody has claimed it',
      "agent-relay task claim task-1",
    ]);
    expect(of(task("blocked"), "claim")).toEqual([
      'Cannot claim "task-1": it is blocked: no key',
      "agent-relay task unblock task-1",
    ]);
    expect(of(task("done"), "release")).toEqual([
      'Cannot release "task-1": it is done by ann',
      "agent-relay task list",
    ]);
    expect(of(task("cancelled"), "edit")).toEqual(['Cannot edit "task-1": it was cancelled', "agent-relay task list"]);
  });
});

describe("the holder", () => {
  test("has it until the very moment its lease ends, or it is gone", () => {
    const at = (now: number) => holderOf(task("in_progress"), { ...facts, now });
    expect(at(Date.parse(owner.expires_at) - 1)).toBe(owner);
    expect(at(Date.parse(owner.expires_at))).toBeUndefined();
    expect(holderOf(task("in_progress"), { ...facts, isGone: () => true })).toBeUndefined();
    for (const state of ["pending", "blocked", "done", "cancelled"] as const)
      expect(holderOf(task(state, { owner }), facts)).toBeUndefined();
  });

  test("what waits, and what its holder left, is free; what is blocked or over is not", () => {
    expect(isFree(task("pending"), facts)).toBe(true);
    expect(isFree(task("in_progress"), facts)).toBe(false);
    expect(isFree(task("in_progress"), { ...facts, now: Date.parse(owner.expires_at) })).toBe(true);
    for (const state of ["blocked", "done", "cancelled"] as const) expect(isFree(task(state), facts)).toBe(false);
  });
});

describe("taking", () => {
  test("what nobody had is had for the time asked for, under the first token", () => {
    const { owner: mine, ...rest } = taken(task("pending"), actors.other, { ttl_ms: MINUTE }, facts);
    expect(rest).toEqual({ ...task("pending"), state: "in_progress", updated_at: iso(NOON) });
    expect(mine).toEqual({
      ...{
        session_id: "bob",
        agent_id: "codex",
        token: 1,
        since: iso(NOON),
        expires_at: iso(NOON + MINUTE),
        ttl_ms: MINUTE,
      },
    });
  });

  test("again renews it: the token, the time it was taken and the claim on its files stay", () => {
    const later = { ...facts, now: NOON + 10 * MINUTE };
    const { owner: mine } = taken(task("in_progress"), actors.owner, { ttl_ms: MINUTE }, later);
    expect(mine).toEqual({ ...owner, expires_at: iso(later.now + MINUTE), ttl_ms: MINUTE });
  });

  test("what another left is had under the next token, without its claim", () => {
    const { owner: mine } = taken(
      task("in_progress"),
      actors.other,
      { ttl_ms: MINUTE },
      { ...facts, isGone: () => true },
    );
    expect(mine).toMatchObject({ session_id: "bob", token: 4 });
    expect(mine).not.toHaveProperty("claim");
  });

  test("the token grows with each owner, also after it was given back or blocked", () => {
    const tokens: (number | undefined)[] = [];
    let current = task("pending");
    for (const giveUp of ["release", "block", "release"] as const) {
      current = taken(current, actors.owner, { ttl_ms: MINUTE }, facts);
      tokens.push(current.owner?.token);
      current = moved(current, giveUp, actors.owner, facts, "why");
      if (current.state === "blocked") current = moved(current, "unblock", actors.other, facts);
      current = Task.parse(JSON.parse(JSON.stringify(current)), "tasks/task-1");
    }
    tokens.push(taken(current, actors.other, { ttl_ms: MINUTE }, facts).owner?.token);
    expect(tokens).toEqual([1, 2, 3, 4]);
  });
});

describe("moving", () => {
  test("what ends says when and by whom; what goes back to the board forgets why it stood still", () => {
    const done = moved(task("in_progress"), "done", actors.owner, facts, "works");
    expect(done).toMatchObject({ state: "done", owner, reason: "works", ended_at: iso(NOON), updated_at: iso(NOON) });
    const cancelled = moved(task("pending"), "cancel", actors.other, facts);
    expect(cancelled).toMatchObject({ state: "cancelled", ended_at: iso(NOON) });
    expect(cancelled).not.toHaveProperty("reason");
    const unblocked = moved(task("blocked"), "unblock", actors.other, facts);
    expect(unblocked).not.toHaveProperty("reason");
    expect(moved(task("in_progress"), "release", actors.owner, facts)).not.toHaveProperty("owner");
    expect([done, cancelled].map(isOver)).toEqual([true, true]);
    expect(isOver(unblocked)).toBe(false);
  });

  test("an edit changes nothing by itself but the time", () => {
    expect(moved(task("blocked"), "edit", actors.other, facts)).toEqual({ ...task("blocked"), updated_at: iso(NOON) });
  });

  test("the old task stays as it was, and the new one survives the disk", () => {
    for (const state of ["pending", "in_progress", "blocked", "done", "cancelled"] as const)
      for (const name of ["claim", "done", "release", "block", "unblock", "cancel", "edit", "note"] as const) {
        const before = task(state);
        if (["conflict", "refused"].includes(outcome(before, name, actors.owner, facts))) continue;
        const after = move(before, name, actors.owner, facts);
        expect(before).toEqual(task(state));
        expect(Task.parse(JSON.parse(JSON.stringify(after)), "tasks/task-1")).toEqual(after);
      }
  });
});

describe("standing in an index", () => {
  test("a place sorts by priority, then by age, and tells its task", () => {
    const places = [-9999, -1, 0, 1, 10, 9999].flatMap((priority) =>
      ["task-0a", "task-0b"].map((id) => placeOf({ id, priority })),
    );
    const sorted = [9999, 10, 1, 0, -1, -9999].flatMap((priority) =>
      ["task-0a", "task-0b"].map((id) => placeOf({ id, priority })),
    );
    expect(places.sort()).toEqual(sorted);
    expect(sorted.map(idAt)).toEqual(sorted.map((_, index) => (index % 2 === 0 ? "task-0a" : "task-0b")));
  });

  test.each(["", "task-1", "1-task-1", "00001-", "00001", "x0001-task-1"])("%j is no place", (name) => {
    expect(idAt(name)).toBeUndefined();
  });

  test("a title stands in a folder whose name any disk takes, whatever its letters", () => {
    for (const title of ["../..", "CON", "É\u202e\0", "x".repeat(200), "日本語", "  ", "-", "a/b\\c"])
      expect(titleKey(title)).toMatch(/^t[a-z0-9-]{0,60}$/);
    expect(titleKey("Parse the HEADER!")).toBe(titleKey("parse the header"));
  });
});

describe("circles", () => {
  const graph: Readonly<Record<string, readonly string[]>> = {
    b: ["c"],
    c: ["d"],
    d: [],
    e: ["a"],
    f: ["f2"],
    f2: ["f"],
  };
  const circle = (id: string, depends_on: readonly string[]) =>
    dependencyCycle(id, depends_on, (at) => graph[at] ?? []);

  test("one that a dependency would close is named from the task to itself", () => {
    expect(circle("d", ["b"])).toEqual(["d", "b", "c", "d"]);
    expect(circle("a", ["d", "e"])).toEqual(["a", "e", "a"]);
    expect(circle("a", ["a"])).toEqual(["a", "a"]);
  });

  test("a diamond is none, nor is one that the task is no part of, nor what is not known", () => {
    expect(circle("a", ["b", "c", "d", "d"])).toBeUndefined();
    expect(circle("a", ["f", "zz"])).toBeUndefined();
    expect(circle("a", [])).toBeUndefined();
  });
});

describe("limits", () => {
  const code = (run: () => unknown) => {
    try {
      run();
      return "fine";
    } catch (error) {
      if (error instanceof RelayError) return error.code;
      throw error;
    }
  };

  test("a title is one line of 1 to 200 bytes, without the blanks around it", () => {
    expect(checkTitle("  Parse\theaders ")).toBe("Parse\theaders");
    expect(checkTitle("ä".repeat(100))).toHaveLength(100);
    for (const title of ["", " \t ", "a\nb", "a\rb"])
      expect(
        code(() => checkTitle(title)),
        title,
      ).toBe("usage");
    expect(code(() => checkTitle(`${"ä".repeat(100)}x`))).toBe("limit");
  });

  test("a description and a note have at most 16 KiB", () => {
    expect(checkText("ä".repeat(8192), "note")).toHaveLength(8192);
    expect(() => checkText(`${"ä".repeat(8192)}x`, "note")).toThrow("Cannot use a note of more than 16384 bytes");
    expect(checkText("", "description")).toBe("");
  });

  test("a priority is a whole number of at most four digits", () => {
    for (const priority of [-9999, -1, 0, 9999]) expect(checkPriority(priority)).toBe(priority);
    for (const priority of [10_000, -10_000, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(
        code(() => checkPriority(priority)),
        String(priority),
      ).toBe("usage");
  });

  test("files are shown as a person would write them", () => {
    expect(filesOf(task("pending", { files: ["src/a.ts", "src/**"] }))).toEqual(["src/a.ts", "src/**"]);
  });
});
