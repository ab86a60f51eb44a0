import { expect, test } from "vitest";
import type { Relay } from "../../src/relay.ts";
import type { Store } from "../../src/store/store.ts";
import { Killed } from "../support/killable-store.ts";
import { Scene } from "../support/mirrored-machines.ts";
import { STEP } from "../support/scale.ts";

async function scene(): Promise<Scene> {
  const made = new Scene(["ann", "bob"]);
  await made.as("ann").agents.register();
  await made.as("bob").agents.register();
  await made.rounds(2);
  await made.as("ann").send("direct", { to: "bob1", ack: true });
  await made.as("ann").send("to all");
  await made.as("bob").send("back", { to: "ann1" });
  return made;
}

const texts = async (relay: Relay) => (await relay.inbox()).items.map(({ message }) => message.content).sort();

test("a mirror that is killed before any one of its calls, and started anew, loses nothing and delivers nothing twice", async () => {
  const whole = await scene();
  whole.left = 1e6;
  await whole.rounds(2);
  const calls = 1e6 - whole.left;
  expect(calls).toBeGreaterThan(50);
  for (let killedAt = 0; killedAt < calls; killedAt += STEP) {
    const one = await scene();
    one.left = killedAt;
    await one.rounds(2).catch((error: unknown) => {
      if (!(error instanceof Killed)) throw error;
    });
    one.left = Number.POSITIVE_INFINITY;
    one.now += 1000;
    await one.rounds(2);
    expect(await texts(one.as("bob")), `killed before call ${killedAt}`).toEqual(["direct", "to all"]);
    expect(await texts(one.as("ann")), `killed before call ${killedAt}`).toEqual(["back"]);
    for (let round = 0; round < 2; round++) {
      one.now += 60_000;
      await one.rounds(2);
    }
    expect(await texts(one.as("ann"))).toEqual([]);
    expect((await one.as("bob").inbox()).items.map(({ message, is_open }) => [message.content, is_open])).toEqual([
      ["direct", true],
    ]);
    const read = async (of: Store) =>
      Object.fromEntries(
        await Promise.all(
          (await of.list("messages")).map(async (id) => [id, (await of.get(`messages/${id}`))?.read_by]),
        ),
      );
    const [there, ...here] = [
      await read(one.server),
      ...(await Promise.all(one.machines.map(({ local }) => read(local)))),
    ];
    for (const each of here) expect(each, `killed before call ${killedAt}`).toEqual(there);
  }
});
