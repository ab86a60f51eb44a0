import fs from "node:fs";
import { expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { Story, tempDir } from "../support/cli.ts";
import { FatefulStore } from "../support/killable-store.ts";
import { Town } from "../support/memory-project.ts";

test("giving back what one never had, and leaving where one never was, made a relay", async () => {
  const story = new Story();
  expect((await story.as("a", "unregister")).code).toBe(3);
  expect((await story.as("a", "release", "--all")).code).toBe(0);
  expect((await story.as("a", "release", "src")).code).toBe(3);
  expect(fs.readdirSync(story.cwd)).toEqual([]);
});

class Unwatched extends FatefulStore {
  override async mark(): Promise<void> {}
}

test("a lease of a fraction of a millisecond made the record of all claims unreadable", async () => {
  const town = new Town();
  await town.as("ann").claim(["a"], { ttlMs: 1e6 / 3 });
  await town.as("ann").waits.subscribe({ ended: ["ann"] }, { timeoutMs: 1e7 / 3 });
  const task = await town.as("ann").tasks.add("one");
  await town.as("ann").tasks.claim("one", { ttlMs: 1e6 / 3 });
  await expect(town.as("bob").claim(["a"])).rejects.toMatchObject({ code: "conflict" });
  expect(await town.as("bob").waits.list()).toHaveLength(1);
  expect((await town.as("bob").tasks.get(task.id)).owner?.session_id).toBe("ann");
  await expect(town.as("ann").claim(["b"], { mode: "read" as "shared" })).rejects.toMatchObject({ code: "usage" });
  expect(town.store.quarantined.size).toBe(0);
});

test("a session that had ended while it stood in line was given the claim, and so was the next one", async () => {
  const town = new Town();
  await town.as("ann").claim(["src"]);
  await town.as("dan").agents.register();
  const waiting = town.as("dan").claim(["src"], { waitMs: Number.POSITIVE_INFINITY });
  const queue = async () => (await town.store.get("claims/live"))?.queue;
  await expect.poll(queue, { interval: 1 }).toHaveLength(1);
  await town.as("dan").agents.unregister();
  await town.as("ann").release(["src"]);
  await expect(waiting).rejects.toThrow("dan has ended");
  expect((await town.as("bob").claim(["src"])).session_id).toBe("bob");
  expect(await town.as("bob").claims.list()).toHaveLength(1);
});

test("what is offered to the next in line was said to be held for half an hour", async () => {
  const town = new Town();
  await town.as("ann").claim(["src"]);
  const stop = new AbortController();
  const waiting = town.as("bob").claim(["src"], { waitMs: Number.POSITIVE_INFINITY, signal: stop.signal });
  await expect.poll(async () => (await town.store.get("claims/live"))?.queue, { interval: 1 }).toHaveLength(1);
  const offered: string[] = [];
  const store = new Unwatched(town.store, () => {}); // bob is not woken
  const ann = new Relay(`${town.project}/.relay`, { session: "ann", store, now: () => town.clock });
  await ann.release(["src"]);
  await town
    .as("cay")
    .claim(["src"])
    .catch((error: Error) => offered.push(error.message));
  expect(offered.join()).toMatch(/is next for "src" and may take it until 2026-03-01T12:00:10Z \(10s more\)/);
  stop.abort(new Error("enough"));
  await waiting.catch(() => {});
});

test("check did not say who stands in line", async () => {
  const town = new Town();
  await town.as("ann").claim(["src"], { mode: "shared" });
  const stop = new AbortController();
  const waiting = town.as("bob").claim(["src"], { waitMs: Number.POSITIVE_INFINITY, signal: stop.signal });
  await expect.poll(async () => (await town.store.get("claims/live"))?.queue, { interval: 1 }).toHaveLength(1);
  const found = await town.as("cay").claims.check(["src"], { mode: "shared" });
  expect(found).toMatchObject({ is_free: false, queue: [{ session_id: "bob" }] });
  stop.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

test("reasons, notes and subscriptions had no limit, and everyone paid for them", async () => {
  const town = new Town();
  const { tasks } = town.as("ann");
  await tasks.add("one");
  await expect(tasks.block("one", "x".repeat(1001))).rejects.toMatchObject({ code: "limit" });
  for (let n = 0; n < 4; n++) await tasks.note("one", "x".repeat(16_000));
  await expect(tasks.note("one", "x".repeat(16_000))).rejects.toMatchObject({ code: "limit" });
  for (let n = 0; n < 100; n++) await town.as("bob").waits.subscribe({ taskDone: ["one"] });
  await expect(town.as("bob").waits.subscribe({ taskDone: ["one"] })).rejects.toMatchObject({ code: "limit" });
  await town.as("cay").waits.subscribe({ taskDone: ["one"] });
});

test("release took back what was claimed --apart in other worktrees", async () => {
  const base = tempDir();
  const { execFileSync } = await import("node:child_process");
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x", ...args], { cwd: base });
  git("init", "--quiet", "main");
  git("-C", "main", "commit", "--quiet", "--allow-empty", "-m", "x");
  git("-C", "main", "worktree", "add", "--quiet", "../linked");
  const [main, linked] = [new Story(`${base}/main`), new Story(`${base}/linked`)];
  for (const story of [main, linked]) expect((await story.as("a", "claim", "src/a.ts", "--apart")).code).toBe(0);
  expect((await linked.as("a", "release", "src/a.ts")).out).toBe(`Released src/a.ts (only in ${base}/linked)\n`);
  expect((await main.as("b", "wait", "--released", "src/a.ts", "--timeout", "1ms")).code).toBe(5);
  expect((await linked.as("b", "wait", "--released", "src/a.ts", "--apart", "--timeout", "1ms")).code).toBe(0);
});

test("who shared something and got it alone by waiting held it twice", async () => {
  const town = new Town();
  for (const who of ["ann", "bob"]) await town.as(who).claim(["src"], { mode: "shared" });
  const waiting = town.as("ann").claim(["src"], { waitMs: Number.POSITIVE_INFINITY });
  await expect.poll(async () => (await town.store.get("claims/live"))?.queue, { interval: 1 }).toHaveLength(1);
  await town.as("bob").release(["src"]);
  expect((await waiting).mode).toBe("exclusive");
  expect(await town.as("ann").claims.list()).toHaveLength(1);
  await town.as("ann").claim(["src"], { mode: "shared" });
  await town.as("bob").claim(["src"], { mode: "shared" });
});

test("an aborted signal still took what was free", async () => {
  const town = new Town();
  await expect(town.as("ann").claim(["src"], { signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
  expect(await town.as("ann").claims.list()).toEqual([]);
});

test("one session could claim so much that everybody paid for it", async () => {
  const town = new Town();
  const many = (count: number, folder: string) => Array.from({ length: count }, (_, n) => `${folder}/${n}.ts`);
  await town.as("ann").claim(many(600, "a"));
  await expect(town.as("ann").claim(many(401, "b"))).rejects.toMatchObject({ code: "limit" });
  await town.as("ann").claim(many(600, "a"));
  await town.as("ann").claim(many(400, "b"));
  await town.as("bob").claim(["c"]);
});
