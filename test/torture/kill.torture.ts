import { afterAll, beforeAll, expect, test } from "vitest";
import { expectWhole } from "./invariants.ts";
import { Ground } from "./prepared-scenes.ts";
import { performAgain, SCENES, type Scene } from "./scenes.ts";
import { type Call, canTrace, killAt, traceCalls } from "./strace.ts";
import { inPairs, type Lines, type Plan, runWorker } from "./workers.ts";

const ground = new Ground("kill");
const hasStrace = await canTrace();
let points = 0;

beforeAll(() => {
  const how = hasStrace
    ? "strace kills at each system call"
    : "no strace that may trace: a preload kills at each call of fs";
  console.log(`kill: ${how}; a preload kills in the middle of each write`);
});
afterAll(() => {
  console.log(`kill: ${points} points in all`);
  ground.clear();
});

for (const scene of SCENES)
  test(`${scene.name}: killed anywhere, it loses nothing acknowledged and shows nothing half-written`, async () => {
    const home = await ground.template(scene);
    const calls = await usualCalls(scene, home);
    const writes = calls.filter((call) => call === "writeSync").map((_, index) => index + 1);
    const traced = hasStrace ? await traceCalls(scene.name, ground.copy(home)) : [];
    const kills: Kill[] = hasStrace
      ? traced.map((call) => ({
          at: `${call.what}, for the ${call.turn}. time`,
          run: (copy, drift) => killAt(scene.name, copy, call, drift),
        }))
      : [...calls, "done"].map((call, index) => ({
          at: call,
          run: (copy) => killed(scene.name, copy, { mode: "kill", at: index + 1 }),
        }));
    for (const at of writes)
      kills.push({ at: "half a write", run: (copy) => killed(scene.name, copy, { mode: "half", at }) });

    await inPairs(kills, (kill) => killAndCheck(scene, home, kill));
    points += kills.length;
    expect(kills.length).toBeGreaterThan(traced.length);
    console.log(
      `kill: ${scene.name}: ${kills.length} points${hasStrace ? `, ${inside(traced)} system calls` : ""}, ${writes.length} half-written`,
    );
  });

/** What a run does on an idle machine: on a busy one it may renew a lease, or look at a lock once more. */
async function usualCalls(scene: Scene, home: string): Promise<string[]> {
  const runs = [await ground.calls(scene, home), await ground.calls(scene, home), await ground.calls(scene, home)];
  return runs.reduce((least, run) => (run.length < least.length ? run : least));
}

/** Undefined if the run ended before it came to that call. */
async function killed(name: string, copy: string, plan: Plan): Promise<Lines | undefined> {
  const worker = await runWorker(name, copy, plan);
  return worker.child.signalCode === "SIGKILL" ? worker : undefined;
}

interface Kill {
  /** The call that it comes to, in words. */
  readonly at: string;
  /** Undefined if the run went another way: a write of Node's own before, or one more look at a busy lock. */
  run(copy: string, drift: number): Promise<Lines | undefined>;
}

// Every second run has one write of Node's own more or less (80 runs looked at): 12 tries missed one call in 70, these
// miss one in a million.
const DRIFTS = [...Array.from({ length: 8 }, () => [0, 1, 0, -1]).flat(), 2, -2, 3, -3];

async function killAndCheck(scene: Scene, home: string, kill: Kill): Promise<void> {
  for (const [attempt, drift] of DRIFTS.entries()) {
    const copy = ground.copy(home);
    const worker = await kill.run(copy, drift);
    if (!worker && attempt < DRIFTS.length - 1) {
      ground.drop(copy);
      continue;
    }
    if (!worker) throw new Error(`No run of "${scene.name}" came to the same call again: ${kill.at}`);
    expect(worker.child.signalCode).toBe("SIGKILL");
    expectWhole(`${copy}/.relay`);
    await scene.check({
      home: copy,
      acknowledged: worker.all.includes("done"),
      shown:
        worker.all
          .find((line) => line.startsWith("shown "))
          ?.split(" ")
          .slice(1) ?? [],
      again: () => performAgain(scene.name, `${copy}/.relay`),
    });
    expectWhole(`${copy}/.relay`);
    ground.drop(copy);
    return;
  }
}

function inside(calls: readonly Call[]): number {
  return calls.filter((call) => call.what !== "write done").length;
}
