import fc from "fast-check";
import { expect, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import {
  dependencyCycle,
  holderOf,
  idAt,
  moved,
  placeOf,
  Task,
  type TaskActor,
  type TaskFacts,
  type TaskMove,
  taken,
  titleKey,
} from "../../src/tasks/task.ts";
import { iso } from "../../src/time.ts";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const NAMES = ["a", "b", "c", "d", "e", "f"];
const SESSIONS = ["ann", "bob", "cay"];

const graph = fc.array(fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 3 }), {
  minLength: NAMES.length,
  maxLength: NAMES.length,
});

/** Whether `goal` can be reached, by going from all that is reached to all that they depend on, until nothing is new. */
function reaches(from: readonly string[], goal: string, edges: (id: string) => readonly string[]): boolean {
  let reached = new Set(from);
  for (let size = -1; size !== reached.size; ) {
    size = reached.size;
    reached = new Set([...reached, ...[...reached].flatMap(edges)]);
  }
  return reached.has(goal);
}

test("a circle is found if there is one, and what is found is one", () => {
  fc.assert(
    fc.property(graph, (lists) => {
      const edges = (id: string) => lists[NAMES.indexOf(id)] ?? [];
      for (const id of NAMES) {
        const circle = dependencyCycle(id, edges(id), edges);
        expect(circle !== undefined).toBe(reaches(edges(id), id, edges));
        if (!circle) continue;
        expect([circle[0], circle.at(-1)]).toEqual([id, id]);
        for (const [index, at] of circle.slice(0, -1).entries()) expect(edges(at)).toContain(circle[index + 1]);
        expect(new Set(circle).size, "nobody is in it twice").toBe(circle.length - 1);
      }
    }),
    { numRuns: 500 },
  );
});

test("places sort as tasks do: by priority, then by age", () => {
  const one = fc.record({
    priority: fc.integer({ min: -9999, max: 9999 }),
    id: fc.stringMatching(/^task-[0-9a-z]{21}$/),
  });
  fc.assert(
    fc.property(one, one, (a, b) => {
      const rank = b.priority - a.priority || (a.id < b.id ? -1 : Number(a.id !== b.id));
      const [x, y] = [placeOf(a), placeOf(b)];
      expect(Math.sign(x < y ? -1 : Number(x !== y))).toBe(Math.sign(rank));
      expect(idAt(x)).toBe(a.id);
    }),
  );
});

test("titles that are equal but for case stand in one folder", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (title) => {
      expect(titleKey(title)).toBe(titleKey(title.toLowerCase()));
      expect(titleKey(title)).toMatch(/^t[a-z0-9-]*$/);
    }),
  );
});

test("whatever is done to a task: one has it at most, who has it is not robbed but by a person, and tokens only grow", () => {
  const act = fc.record({
    move: fc.constantFrom<TaskMove>(
      "claim",
      "claim",
      "claim",
      "done",
      "release",
      "block",
      "unblock",
      "cancel",
      "edit",
      "note",
    ),
    session: fc.constantFrom(...SESSIONS),
    isPerson: fc.boolean(),
    gone: fc.option(fc.constantFrom(...SESSIONS), { nil: undefined }),
    ms: fc.constantFrom(0, 1, 9_999, 10_000),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      let task = fresh;
      let now = NOON;
      let token = 0;
      for (const { move, session, isPerson, gone, ms } of acts) {
        now += ms;
        const facts: TaskFacts = { now, isGone: (one) => one === gone };
        const before = holderOf(task, facts);
        const next = attempt(task, move, { session_id: session, agent_id: "x", isPerson }, facts);
        const wasTaken = next.owner !== undefined && next.owner.session_id !== task.owner?.session_id;
        if (wasTaken) {
          expect(isPerson || before === undefined || before.session_id === session).toBe(true);
          expect(next.owner?.token).toBeGreaterThan(token);
        }
        token = Math.max(token, next.owner?.token ?? 0);
        expect(next.owner?.token ?? token, "a token never comes back").toBe(token);
        if (task.state === "done" || task.state === "cancelled") expect(next.state).toBe(task.state);
        expect(next.state === "in_progress" ? next.owner : "somebody").toBeDefined();
        expect(next.state === "done" || next.state === "cancelled").toBe(next.ended_at !== undefined);
        expect(Task.parse(JSON.parse(JSON.stringify(next)), "tasks/t")).toEqual(next);
        task = next;
      }
    }),
    { numRuns: 500 },
  );
});

const fresh: Task = {
  ...{ id: "task-1", title: "Parse", files: [], priority: 0, depends_on: [], state: "pending", notes: [] },
  ...{ created_by: "cay", created_at: iso(NOON), updated_at: iso(NOON) },
};

/** The task after a move, or as it was if it was refused. */
function attempt(task: Task, move: TaskMove, actor: TaskActor, facts: TaskFacts): Task {
  try {
    return move === "claim" ? taken(task, actor, { ttl_ms: 10_000 }, facts) : moved(task, move, actor, facts, "why");
  } catch (error) {
    if (error instanceof RelayError) return task;
    throw error;
  }
}
