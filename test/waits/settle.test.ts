import fs from "node:fs";
import { expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { Story } from "../support/cli.ts";
import { killed, living } from "../support/living-process.ts";
import { Town } from "../support/memory-project.ts";

test("who waited for a lease to run out was not told if the next one took it first", async () => {
  const town = new Town();
  await town.as("bob").claim(["src"], { ttlMs: 10_000 });
  await town.as("ann").waits.subscribe({ released: ["src"] });
  town.clock += 11_000;
  await town.as("cay").claim(["src"]);
  expect((await town.unread("ann")).join()).toContain("src is free");
});

test("who waited for an agent that crashed was not told if the agent came back first", async () => {
  const story = new Story();
  const process = await living();
  await story.as("e", "register", "--name", "eve", "--pid", String(process.pid));
  await story.as("a", "wait", "--ended", "e", "--subscribe");
  const blocking = new Relay(`${story.cwd}/.relay`, { session: "b", agent: "claude" }).wait({ ended: ["e"] });
  const edges = () => JSON.parse(fs.readFileSync(`${story.cwd}/.relay/claims/live.json`, "utf8")).edges;
  await expect.poll(edges, { interval: 5 }).toHaveLength(1);
  await killed(process);
  await story.as("e", "register", "--pid", String((await living()).pid));
  expect((await story.as("a", "inbox")).out).toContain("the process of eve has died");
  expect((await blocking).outcome).toEqual(["the process of eve has died"]);
});

test("a wait went on after its session had ended", async () => {
  const town = new Town();
  await town.as("ann").claim(["src"]);
  await town.as("dan").agents.register();
  const waiting = town.as("dan").wait({ released: ["src"] });
  const edges = async () => (await town.store.get("claims/live"))?.edges;
  await expect.poll(edges, { interval: 1 }).toHaveLength(1);
  await town.as("dan").agents.unregister();
  await expect(waiting).rejects.toThrow("dan has ended");
});

test("--any with several paths waited for all of them", async () => {
  const story = new Story();
  await story.as("a", "claim", "x.ts");
  const free = await story.as("b", "wait", "--any", "--released", "x.ts", "y.ts", "--timeout", "1s");
  expect(free).toMatchObject({ code: 0, out: "y.ts is free\n" });
  expect((await story.as("b", "wait", "--any", "--released", "x.ts", "--resource", "r")).out).toBe(
    "resource r is free\n",
  );
});

test("a circle through a wait for any of several things that one agent has to do was not found", async () => {
  const town = new Town();
  await town.as("ann").claim(["one"]);
  await town.as("bob").claim(["two"]);
  const stop = new AbortController();
  const waiting = town.as("ann").claim(["two"], { waitMs: Number.POSITIVE_INFINITY, signal: stop.signal });
  await expect.poll(async () => (await town.store.get("claims/live"))?.queue, { interval: 1 }).toHaveLength(1);
  const any = town.as("bob").wait({ released: ["one"], ended: ["ann"] }, { any: true });
  await expect(any).rejects.toThrow(/in this circle/);
  stop.abort(new Error("enough"));
  await expect(waiting).rejects.toThrow("enough");
});

test("an agent could wait for itself", async () => {
  const town = new Town();
  await town.as("ann").tasks.add("mine");
  await town.as("ann").tasks.claim("mine");
  await expect(town.as("ann").wait({ taskDone: ["mine"] })).rejects.toThrow("ann waits for ann");
  await expect(town.as("ann").wait({ ended: ["ann"] })).rejects.toThrow("ann waits for ann");
});
