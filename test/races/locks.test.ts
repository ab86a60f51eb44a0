import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { expect, test } from "vitest";
import { place } from "../../src/machine/process.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import { racers, rounds } from "../support/scale.ts";
import { askAll, bundled, crowd, Notes, newRelayDir, start } from "./workers.ts";

const CONTENDERS = racers(32);
const MEETING = racers(16);
const ROUNDS = rounds(200);

test(`${CONTENDERS} processes that update one record lose no update`, async () => {
  const dir = newRelayDir();
  const lockers = await crowd(CONTENDERS, bundled("locker.mjs"), () => ({ dir }));
  const longest = await askAll<number>(lockers, "count", { key: "counters/one", times: 15 });

  console.log(
    `${CONTENDERS} contenders of one record: the longest wait was ${Math.round(Math.max(...longest))} ms (budget 1500)`,
  );
  expect(await new FileStore(dir).get("counters/one")).toEqual({ count: CONTENDERS * 15 });
  expect(fs.readdirSync(`${dir}/locks`)).toEqual([]);
});

test(`${MEETING} processes that meet the lock of a killed holder are never inside together, in ${ROUNDS} rounds`, async () => {
  const dir = newRelayDir();
  const store = new FileStore(dir, { durability: "process" });
  await store.create("counters/one", { count: 0 });
  const lockers = await crowd(MEETING, bundled("locker.mjs"), () => ({ dir }));
  const locks = ["counters+one", "section"].map((name) => `${dir}/locks/${name}.lock`);
  const [, section] = locks;
  const witness = `${dir}/witness`;

  const start = performance.now();
  for (let round = 1; round <= ROUNDS; round++) {
    for (const lock of locks) fs.mkdirSync(`${lock}/${ownerThatIsDead(round)}`, { recursive: true });
    await Promise.all([
      askAll(lockers, "count", { key: "counters/one", times: 1 }),
      askAll(lockers, "enter", { lock: section, witness }),
    ]);
    expect(await store.get("counters/one"), `round ${round}`).toEqual({ count: MEETING * round });
  }
  console.log(
    `a killed holder's lock, ${MEETING} waiting: ${Math.round((performance.now() - start) / ROUNDS)} ms a round`,
  );

  expect(fs.readFileSync(`${witness}.log`, "utf8")).toBe("entered\n".repeat(MEETING * ROUNDS));
  expect(fs.readdirSync(`${dir}/locks`)).toEqual([]);
});

/** What a holder leaves in its lock when it is killed. */
function ownerThatIsDead(round: number): string {
  return `dead${round}.${DEAD_PID}.1.${place()}`;
}
const DEAD_PID = spawnSync(process.execPath, ["--version"]).pid;

test("a holder that was stopped past its lease neither writes nor unlocks, at whichever step it stood", async () => {
  const dir = newRelayDir();
  const store = new FileStore(dir);
  const notes = new Notes();
  const locker = bundled("locker.mjs");
  const [one, two, three, four, five, six] = await Promise.all(
    Array.from({ length: 6 }, () => start(locker, { dir }, { onNote: notes.hear })),
  );
  const [written, removed, target] = ["counters/written", "counters/removed", `${dir}/committed`];
  const lock = `${dir}/locks/committed.lock`;
  await store.create(written, { count: 10 });
  await store.create(removed, { count: 20 });

  const until = `${dir}/resume`;
  const stopped = [
    one?.ask("updateSlowly", { key: written, name: "updater", until }),
    two?.ask("removeSlowly", { key: removed, name: "remover", until }),
    three?.ask("commitSlowly", { lock, target, name: "committer", until }),
  ];
  await Promise.all(["updater", "remover", "committer"].map((name) => notes.said(`${name} is inside`)));
  for (const worker of [one, two, three]) worker?.signal("SIGSTOP");
  fs.writeFileSync(until, "");

  const later = { until: `${dir}/resume-later` };
  const next = [
    four?.ask("updateSlowly", { key: written, name: "next updater", ...later }),
    five?.ask("updateSlowly", { key: removed, name: "next on removed", ...later }),
    six?.ask("commitSlowly", { lock, target, name: "next", ...later }),
  ];
  await Promise.all(["next updater", "next on removed", "next"].map((name) => notes.said(`${name} is inside`)));
  for (const worker of [one, two, three]) worker?.signal("SIGCONT");
  await Promise.all(["updater", "remover", "committer"].map((name) => notes.said(`${name} has tried`)));

  const holders = fs.readdirSync(`${dir}/locks`).map((each) => fs.readdirSync(`${dir}/locks/${each}`));
  expect(holders.map((owners) => owners.map((owner) => Number(owner.split(".")[1]))).sort(), "still locked").toEqual(
    [six, five, four].map((worker) => [worker?.pid]).sort(),
  );
  expect([await store.get(written), await store.get(removed)]).toEqual([{ count: 10 }, { count: 20 }]);
  expect(fs.existsSync(target)).toBe(false);

  fs.writeFileSync(later.until, "");
  await Promise.all([...next, ...stopped]);
  expect(await store.get(written), "both counted").toEqual({ count: 12 });
  expect(await store.get(removed), "what was stopped came last, on fresh data").toBeUndefined();
  expect(fs.readFileSync(target, "utf8")).toBe("next\ncommitter\n");
  expect(fs.readdirSync(`${dir}/locks`)).toEqual([]);
});
