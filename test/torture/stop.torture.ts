import { afterAll, beforeAll, expect, test } from "vitest";
import { expectWhole, LEASE, readAll, readAllTwice, records, relayOf } from "./invariants.ts";
import { Ground } from "./prepared-scenes.ts";
import { SCENES, type Scene } from "./scenes.ts";
import { canTrace, stopAt, traceCalls } from "./strace.ts";
import { inPairs, type Lines, startWorker } from "./workers.ts";

const ground = new Ground("stop");
const hasStrace = await canTrace();
const RECIPIENTS: Readonly<Record<string, readonly string[]>> = {
  "send to one": ["bob"],
  "send to several": ["bob", "cho"],
  "send to all": ["bob", "cho"],
};
const MONTH = 30 * 24 * 3_600_000;
let points = 0;

beforeAll(() => {
  console.log(
    `stop: ${hasStrace ? "strace stops at each system call" : "no strace that may trace: a preload stops at each call of fs"}`,
  );
});
afterAll(() => {
  console.log(`stop: ${points} points in all`);
  ground.clear();
});

for (const scene of SCENES.filter(({ name }) => name in RECIPIENTS))
  for (const doReadersLook of [false, true])
    test(`${scene.name}: stopped anywhere, collected${doReadersLook ? ", read" : ""} and continued, it fails or is readable`, async () => {
      const home = await ground.template(scene);
      const recipients = RECIPIENTS[scene.name] ?? [];
      let failed = 0;
      const stops = await stopsOf(scene, home);
      await inPairs(stops, async (stop) => {
        const shown = new Map(recipients.map((reader) => [reader, 0]));
        const count = (reader: string, contents: readonly string[]) =>
          shown.set(reader, (shown.get(reader) ?? 0) + contents.filter((content) => content === "news").length);
        const { copy, worker } = await stopped(home, stop, async (dir) => {
          await relayOf(dir, "gc", () => Date.now() + MONTH).admin.cleanupOld(0);
          if (!doReadersLook) return;
          for (const reader of recipients)
            count(
              reader,
              (await readAll(dir, reader)).map((message) => message.content),
            );
        });
        expectWhole(`${copy}/.relay`);
        const isDone = worker.all.at(-1) === "done";
        if (!isDone) expect(worker.all.at(-1)).toMatch(/^failed/);
        if (!isDone) failed++;
        for (const reader of recipients) {
          count(reader, await readAllTwice(`${copy}/.relay`, reader));
          expect(shown.get(reader), `what ${reader} was shown after "${worker.all.at(-1)}"`).toBeLessThanOrEqual(1);
          if (isDone) expect(shown.get(reader), `what ${reader} was shown of a send that succeeded`).toBe(1);
        }
        ground.drop(copy);
      });
      points += stops.length;
      console.log(
        `stop: ${scene.name}${doReadersLook ? ", read meanwhile" : ""}: ${stops.length} points, ${failed} sends failed`,
      );
    });

test("ack: stopped anywhere, it holds up another change for one lease at most, and neither change is lost", async () => {
  const scene = SCENES.find(({ name }) => name === "ack");
  if (!scene) throw new Error("There is no scene of ack");
  const home = await ground.template(scene);
  const stops = await stopsOf(scene, home);
  await inPairs(
    stops,
    async (stop) => {
      const { copy, worker } = await stopped(home, stop, async (dir) => {
        const ann = relayOf(dir, "ann");
        const question = (await ann.messages.history()).messages.find((message) => message.kind === "question");
        const start = performance.now();
        await ann.messages.withdraw(question?.id ?? "");
        expect(performance.now() - start, "a stopped holder gives way after a lease").toBeLessThan(2 * LEASE);
      });
      expect(worker.all.at(-1)).toBe("done");
      expectWhole(`${copy}/.relay`);
      const question = records(`${copy}/.relay`, "messages").find((message) => message.kind === "question");
      expect(question).toMatchObject({
        withdrawn_at: expect.any(String),
        receipts: { bob: { acked_at: expect.any(String) } },
      });
      ground.drop(copy);
    },
    12,
  );
  points += stops.length;
  console.log(`stop: ack, changed meanwhile: ${stops.length} points`);
});

type Stop = (copy: string, meanwhile: () => Promise<void>) => Promise<Lines | undefined>;

async function stopsOf(scene: Scene, home: string): Promise<Stop[]> {
  if (hasStrace)
    return (await traceCalls(scene.name, ground.copy(home)))
      .filter((call) => call.what !== "write done")
      .map((call) => (copy, meanwhile) => stopAt(scene.name, copy, call, meanwhile));
  const calls = await ground.calls(scene, home);
  return [...calls, "done"].map((_, index) => async (copy, meanwhile) => {
    const worker = startWorker(scene.name, copy, { mode: "stop", at: index + 1 });
    const isStopped = await worker.has("stopped");
    if (isStopped) await meanwhile();
    // It says so just before it stops, so the first of these may come too early.
    const wake = setInterval(() => worker.child.kill("SIGCONT"), 10);
    await worker.ended;
    clearInterval(wake);
    return isStopped ? worker : undefined;
  });
}

async function stopped(
  home: string,
  stop: Stop,
  meanwhile: (dir: string) => Promise<void>,
): Promise<{ copy: string; worker: Lines }> {
  const copy = ground.copy(home);
  const worker = await stop(copy, () => meanwhile(`${copy}/.relay`));
  if (!worker) throw new Error("The run ended before it could be stopped");
  return { copy, worker };
}
