import fs from "node:fs";
import { expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { isWhole, racers, rounds } from "../support/scale.ts";
import { askAll, crowd, newRelayDir, quantile, start, type Worker } from "./workers.ts";

const RACERS = racers(64);
const ROUNDS = isWhole ? 1000 : 25;
const TAKEOVERS = rounds(20);
const LINE = racers(16);

function claimers(count: number, dir: string): Promise<Worker[]> {
  return crowd(count, "claimer.mjs", (index) => ({ dir, session: `s${index}` }));
}

function live(dir: string): {
  claims: { session_id: string; claimed_at: string; offered_until?: string }[];
  queue: { session_id: string }[];
} {
  return JSON.parse(fs.readFileSync(`${dir}/claims/live.json`, "utf8"));
}

function inLine(dir: string, count: number): Promise<unknown> {
  return expect.poll(() => live(dir).queue, { interval: 5 }).toHaveLength(count);
}

test(`${RACERS} processes race for one claim, and exactly one gets it, in ${ROUNDS} rounds`, async () => {
  const dir = newRelayDir();
  const all = await claimers(RACERS, dir);
  await askAll(all, "register");
  const times: number[] = [];
  const tokens: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    const got = await askAll<number | null>(all, "race", { resource: "prize" });
    times.push(performance.now() - began);
    const winners = all.filter((_, index) => got[index] !== null);
    expect(winners.length, `round ${round}`).toBe(1);
    tokens.push(...got.flatMap((token) => token ?? []));
    await askAll(winners, "release");
  }
  console.log(`${RACERS} processes race for one claim: ${Math.round(quantile(times, 0.5))} ms a round`);
  expect(tokens, "each winner has a larger token than the one before").toEqual(tokens.map((_, index) => index + 1));
});

test("of claims that overlap, as file, folder and globs, never two are held at once", async () => {
  const dir = newRelayDir();
  const paths = ["src", "src/db.ts", "src/*.ts", "**/db.*", "{src,lib}/db.ts", "."];
  const all = await claimers(8, dir);
  const witness = `${dir}/../witness`;
  const turned = (by: number) => [...paths.slice(by % paths.length), ...paths.slice(0, by % paths.length)];
  await Promise.all(all.map((worker, index) => worker.ask("enter", { paths: turned(index), witness })));
  expect(fs.readFileSync(`${witness}.log`, "utf8")).toBe("entered\n".repeat(8 * paths.length));
  expect(live(dir)).toMatchObject({ token: 8 * paths.length, claims: [], queue: [] });
});

test(`of ${LINE} that find a dead holder whose pid another process has by now, one takes over, in ${TAKEOVERS} rounds`, async () => {
  const dir = newRelayDir();
  const all = await claimers(LINE, dir);
  await askAll(all, "register");
  for (let round = 0; round < TAKEOVERS; round++) {
    const ghost = new Relay(dir, { session: `ghost${round}`, pid: process.pid, durability: "process" });
    const { token } = await ghost.claim([], { resources: ["prize"] });
    expect(await all[0]?.ask("race", { resource: "prize" }), "while it lives").toBeNull();
    const file = `${dir}/agents/ghost${round}.json`;
    fs.writeFileSync(file, JSON.stringify({ ...JSON.parse(fs.readFileSync(file, "utf8")), pid_started: 1 }));
    const got = await askAll<number | null>(all, "race", { resource: "prize" });
    expect(got.filter((each) => each !== null)).toEqual([token + 1]);
    await askAll(all, "release");
  }
});

test(`${LINE} that wait in line get it in the order in which they came`, async () => {
  const dir = newRelayDir();
  const holder = new Relay(dir, { session: "holder", durability: "process" });
  await holder.claim([], { resources: ["prize"] });
  const all = await claimers(LINE, dir);
  const waiting: Promise<number>[] = [];
  for (const worker of all) {
    waiting.push(worker.ask<number>("waitAndPassOn", { resource: "prize" }));
    await inLine(dir, waiting.length);
  }
  const began = performance.now();
  await holder.claims.releaseAll();
  expect(await Promise.all(waiting)).toEqual(all.map((_, index) => index + 2));
  console.log(`${LINE} that wait in line: ${Math.round((performance.now() - began) / LINE)} ms for each hand-over`);
  expect(live(dir)).toMatchObject({ claims: [], queue: [] });
});

test("a waiter that is killed leaves the line, and the next one gets it when it is free", async () => {
  const { dir, holder, first, second } = await lineOfTwo();
  await first.kill();
  const next = second.ask<number>("wait", { resource: "prize" });
  await expect.poll(() => live(dir).queue.map((waiter) => waiter.session_id)).toEqual(["second"]);
  await holder.claims.releaseAll();
  expect(await next, "no offer was made to the dead one: it would have had this token").toBe(2);
});

test("an offer to a waiter that is killed before it takes it up goes on: at once where its death is seen, else after 10 s", async () => {
  const took = await Promise.all(
    [true, false].map(async (ownPid) => {
      const { dir, holder, first, second } = await lineOfTwo(ownPid);
      const next = second.ask<number>("wait", { resource: "prize" });
      await inLine(dir, 2);
      first.signal("SIGSTOP");
      await holder.claims.releaseAll();
      expect(
        live(dir).claims.map((claim) => claim.session_id),
        "offered",
      ).toEqual(["first"]);
      const { offered_until = "" } = live(dir).claims[0] ?? {};
      await first.kill();
      expect(await next).toBe(3);
      return Date.parse(live(dir).claims[0]?.claimed_at ?? "") - Date.parse(offered_until);
    }),
  );
  console.log(`an offer to a dead waiter is passed on ${took.map(Math.round).join(" and ")} ms after its end`);
  expect(took[0], "its death was seen: its offer was not waited for").toBeLessThan(0);
  expect(took[1], "its death was not seen").toBeGreaterThanOrEqual(0);
});

/** One that holds, one that waits in line, and one that is about to. */
async function lineOfTwo(ownPid = false) {
  const dir = newRelayDir();
  const holder = new Relay(dir, { session: "holder", durability: "process" });
  await holder.claim([], { resources: ["prize"] });
  const first = await start("claimer.mjs", { dir, session: "first", ownPid });
  const second = await start("claimer.mjs", { dir, session: "second" });
  first.ask("wait", { resource: "prize" }).catch(() => {}); // it is killed before it can answer
  await inLine(dir, 1);
  return { dir, holder, first, second };
}
