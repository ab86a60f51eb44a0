import fs from "node:fs";
import { expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import type { Task } from "../../src/tasks/task.ts";
import { isWhole, racers, rounds } from "../support/scale.ts";
import { askAll, crowd, newRelayDir, start, type Worker } from "./workers.ts";

const COUNT = isWhole ? 200 : 80;
const WORKERS = racers(16);
const KILLS = isWhole ? 40 : 16;
const CIRCLES = rounds(15);

/** Tasks, most of which wait for one or two older ones; the work is in layers, each as wide as the one before. */
async function board(dir: string): Promise<Map<string, Task>> {
  const { tasks } = new Relay(dir, { session: "planner", durability: "process" });
  const made: Task[] = [];
  for (let index = 0; index < COUNT; index++) {
    const older = [index - 25, index - 40 - (index % 7)].flatMap((at) => made[at]?.id ?? []);
    made.push(await tasks.add(`t${index}`, { dependsOn: older, priority: index % 3 }));
  }
  return new Map(made.map((task) => [task.title, task]));
}

function recordsIn(dir: string): Task[] {
  const names = fs.readdirSync(`${dir}/tasks`).filter((name) => name.startsWith("task-"));
  return names.map((name) => JSON.parse(fs.readFileSync(`${dir}/tasks/${name}`, "utf8")));
}

/** What the workers wrote down, in the order in which it happened. */
function linesOf(log: string): { what: string; title: string }[] {
  const lines = fs.readFileSync(log, "utf8").trimEnd().split("\n");
  return lines.map((line) => ({ what: line.split(" ")[0] ?? "", title: line.split(" ")[1] ?? "" }));
}

/**
 * Every task is done by the records, and nothing was begun before all that it waits for was done. An index may list too
 * much, when one worker heals it while another ends a task: each of them lists nothing once somebody has looked at it.
 */
async function expectAllDone(dir: string): Promise<void> {
  const { tasks } = new Relay(dir, { session: "looker", durability: "process" });
  expect((await tasks.list()).tasks).toEqual([]);
  expect(await tasks.next()).toBeUndefined();
  const records = recordsIn(dir);
  expect(records.filter(({ state }) => state !== "done")).toEqual([]);
  const endOf = new Map(records.map((task) => [task.id, Date.parse(task.ended_at ?? "") || Number.POSITIVE_INFINITY]));
  for (const { title, owner, depends_on } of records)
    for (const id of depends_on)
      expect(Date.parse(owner?.since ?? ""), `${title} began after what it waits for`).toBeGreaterThanOrEqual(
        endOf.get(id) ?? 0,
      );
  for (const folder of ["open", "ready", "unsettled"]) {
    const at = `${dir}/tasks/${folder}`;
    expect(fs.existsSync(at) ? fs.readdirSync(at) : []).toEqual([]);
  }
}

test(`${WORKERS} processes empty a board of ${COUNT} tasks, each done once and none before what it waits for`, async () => {
  const dir = newRelayDir();
  const log = `${dir}/../log`;
  const made = await board(dir);
  const all = await crowd(WORKERS, "tasker.mjs", (index) => ({ dir, session: `s${index}` }));
  await askAll(all, "register");
  const began = performance.now();
  const counts = await askAll<number>(all, "work", { log });
  console.log(
    `${WORKERS} processes empty a board of ${COUNT}: ${Math.round(performance.now() - began)} ms, ${counts.join(" ")}`,
  );
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(COUNT);
  const lines = linesOf(log);
  for (const what of ["began", "done"])
    expect(new Set(lines.filter((line) => line.what === what).map(({ title }) => title)).size, what).toBe(COUNT);
  expect(lines).toHaveLength(2 * COUNT);
  expect(made.size).toBe(COUNT);
  await expectAllDone(dir);
  for (const { owner } of recordsIn(dir)) expect(owner?.token, "taken once").toBe(1);
});

test("workers that are killed at any moment lose no task: others take up what they left, and each is done once", async () => {
  const dir = newRelayDir();
  const log = `${dir}/../log`;
  await board(dir);
  let killed = 0;
  const hire = async (name: string): Promise<Worker> => {
    let worker: Worker | undefined;
    const onNote = () => {
      if (killed >= KILLS || Math.random() > 0.3) return;
      killed++;
      setTimeout(() => worker?.signal("SIGKILL"), Math.random() * 12);
    };
    worker = await start("tasker.mjs", { dir, session: name, ownPid: true }, { onNote });
    return worker;
  };
  let hired = 0;
  const fill = async (): Promise<number> => {
    for (;;) {
      const worker = await hire(`w${hired++}`);
      try {
        return await worker.ask<number>("work", { log });
      } catch (error) {
        if (!String(error).includes("ended before it answered")) throw error; // it was killed: another is hired
      }
    }
  };
  await Promise.all(Array.from({ length: racers(8) }, fill));
  console.log(`${killed} of ${hired} workers were killed`);
  expect(killed).toBeGreaterThan(KILLS / 4);
  await expectAllDone(dir);
  const entries = linesOf(log).filter(({ what }) => what === "done");
  expect(new Set(entries.map(({ title }) => title)).size, "nobody was told twice that it is done").toBe(entries.length);
  const tokens = recordsIn(dir).map(({ owner }) => owner?.token ?? 0);
  expect(Math.max(...tokens), "some were taken up by others").toBeGreaterThan(1);
});

test(`of edits that would close a circle together, one is refused, in ${CIRCLES} rounds`, async () => {
  const dir = newRelayDir();
  const { tasks } = new Relay(dir, { session: "planner", durability: "process" });
  const all = await crowd(3, "tasker.mjs", (index) => ({ dir, session: `s${index}` }));
  await askAll(all, "register");
  for (let round = 0; round < CIRCLES; round++) {
    const ids: string[] = [];
    for (const name of ["a", "b", "c"]) ids.push((await tasks.add(`${name}${round}`)).id);
    const edits = all.map((worker, index) =>
      worker
        .ask("edit", { task: ids[index], edit: { dependsOn: [ids[(index + 1) % 3]] } })
        .then(() => "edited")
        .catch((error) => error.code),
    );
    expect((await Promise.all(edits)).sort(), `round ${round}`).toEqual(["conflict", "edited", "edited"]);
    for (let left = 3; left > 0; left--) await tasks.done((await tasks.next())?.id ?? "");
  }
});
