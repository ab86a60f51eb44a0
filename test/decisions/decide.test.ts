import { expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { Town } from "../support/memory-project.ts";

// Bugs that were met in claims, tasks and waits, each by its symptom.

const MINUTE = 60_000;

test("a decision at the rate limit was kept and told to nobody, once for each try", async () => {
  const town = new Town();
  await town.as("bob").agents.register();
  const ann = new Relay(`${town.project}/.relay`, {
    ...{ session: "ann", agent: "claude", store: town.store, now: () => town.clock, limits: { perMinute: 1 } },
  });
  await ann.send("one");
  for (let n = 0; n < 3; n++) await expect(ann.decisions.add("we use tabs")).rejects.toMatchObject({ code: "limit" });
  expect(await ann.decisions.list()).toEqual([]);
  town.clock += MINUTE;
  await ann.decisions.add("we use tabs");
  expect(await town.unread("bob")).toEqual(["one", "we use tabs"]);
});
