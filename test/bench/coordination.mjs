import { Relay } from "../../dist/index.js";
import { median, ms } from "./measure.mjs";

const limits = { perMinute: 1e9 };

async function timed(rounds, run) {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await run(round);
    times.push(performance.now() - start);
  }
  return median(times);
}

function within(value, budget) {
  return { figure: ms(value), budget: `<= ${budget} ms`, ok: value <= budget };
}

/** A relay in which ten sessions hold `count` claims between them. */
async function claimed(dir, count) {
  for (let holder = 0; holder < 10; holder++) {
    const relay = new Relay(`${dir}/.relay`, { session: `holder-${holder}`, durability: "process" });
    for (let n = 0; n < count / 10; n++) await relay.claim(`src/part-${holder}/file-${n}.ts`, { reason: "bench" });
  }
  const relay = new Relay(`${dir}/.relay`, { session: "a", agent: "bench", limits });
  await relay.agents.register();
  return relay;
}

async function claims(dir, count, budget) {
  const relay = await claimed(dir, count);
  const file = (round) => `lib/file-${round}.ts`;
  const taking = await timed(100, (round) => relay.claim(file(round)));
  const giving = await timed(100, (round) => relay.release(file(round)));
  const figure = `${ms(taking)} / ${ms(giving)}`;
  return budget === undefined
    ? { figure }
    : { figure, budget: `<= ${budget} ms each`, ok: Math.max(taking, giving) <= budget };
}

async function check(dir) {
  const relay = await claimed(dir, 1000);
  return within(await timed(200, (round) => relay.claims.check(`src/part-${round % 10}/file-${round % 90}.ts`)), 1);
}

async function tasks(dir) {
  const relay = new Relay(`${dir}/.relay`, { session: "a", agent: "bench", durability: "process", limits });
  for (let n = 0; n < 10_000; n++) await relay.tasks.add(`Task ${n}`, { priority: n % 7 });
  return new Relay(`${dir}/.relay`, { session: "a", agent: "bench", limits });
}

let board;
const boardIn = (dir) => (board ??= tasks(dir));

export const coordinationCases = [
  { name: "claim / release, durable", run: (dir) => claims(dir, 10, 3) },
  { name: "claim / release, durable, 1,000 live claims", run: (dir) => claims(dir, 1000) },
  { name: "check, 1,000 live claims", run: check },
  {
    name: "list of ready tasks, 10,000 on the board",
    run: async (dir) => {
      const relay = await boardIn(dir);
      return within(await timed(20, () => relay.tasks.list({ which: "ready" })), 30);
    },
  },
  {
    name: "add a task to 10,000, durable",
    run: async (dir) => {
      const relay = await boardIn(dir);
      return within(await timed(100, (round) => relay.tasks.add(`One more ${round}`)), 3);
    },
  },
];
