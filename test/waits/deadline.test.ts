import { describe, expect, test } from "vitest";
import type { Sent } from "../../src/index.ts";
import { Story } from "../support/cli.ts";
import { HOUR, MINUTE, World } from "../support/relay-with-person.ts";

describe("a deadline", () => {
  test("that passes is told to the sender exactly once, whoever looks and however often", async () => {
    const world = await World.of();
    const { id } = await world.as("ann").send("rebase now", { to: "bob", ack: true, deadlineMs: 5 * MINUTE });
    expect((await world.as("bob").messages.get(id)).answer_by).toBe("2026-03-01T12:05:00.000Z");
    await world.shown("bob");
    world.clock += 5 * MINUTE;
    await world.as("cay").messages.unreadCount();
    expect(await world.toldTo("ann"), "the last moment is in time").toEqual([]);
    world.clock += 1;
    await Promise.all(["ann", "bob", "cay", "cay"].map((session) => world.as(session).messages.unreadCount()));
    for (const session of ["cay", "ann", "bob"]) await world.as(session).messages.unreadCount();
    const [told, ...more] = await world.toldTo("ann");
    expect(more).toEqual([]);
    expect(told).toMatch(
      new RegExp(`^You waited for bob to deal with ${id} \\(wait-\\w+\\), and it did not come in time$`),
    );
    expect(await world.shown("bob"), "and it is owed all the same").toEqual(["open: rebase now"]);
  });

  test("is an hour for what asks for an ack, and none for a question without one", async () => {
    const world = await World.of();
    await world.as("ann").send("rebase now", { to: "bob", ack: true });
    await world.as("cay").send("which port?", { to: "bob", kind: "question" });
    world.clock += HOUR + 1;
    await world.as("pat").messages.unreadCount();
    expect(await world.toldTo("ann")).toHaveLength(1);
    world.clock += 24 * HOUR;
    await world.as("pat").messages.unreadCount();
    expect(await world.toldTo("cay")).toEqual([]);
  });

  test.each([
    { how: "acked", settle: (world: World, id: string) => world.as("bob").messages.ack(id) },
    { how: "answered", settle: (world: World, id: string) => world.as("bob").reply(id, "done") },
    { how: "taken back", settle: (world: World, id: string) => world.as("ann").messages.withdraw(id) },
  ])("that is kept, since it was $how in time, is no news", async ({ settle }) => {
    const world = await World.of();
    const { id } = await world.as("ann").send("rebase now", { to: "bob", ack: true, deadlineMs: MINUTE });
    world.clock += MINUTE - 1;
    await settle(world, id);
    world.clock += HOUR;
    for (const session of ["cay", "ann", "bob"]) await world.as(session).messages.unreadCount();
    expect(await world.toldTo("ann")).toEqual([]);
    expect(await world.store.marks("waits/due"), "nothing is left to look at").toEqual([]);
  });

  test("of one message to several is each one's own", async () => {
    const world = await World.of();
    const sent: Sent = await world.as("ann").send("rebase", { to: ["bob", "cay"], ack: true, deadlineMs: MINUTE });
    await world.as("bob").messages.ack(sent.messages[0]?.id ?? "");
    world.clock += MINUTE + 1;
    await world.as("bob").messages.unreadCount();
    expect(await world.toldTo("ann")).toEqual([expect.stringContaining(`cay to deal with ${sent.messages[1]?.id}`)]);
  });

  test("of a sender that has left is told to nobody", async () => {
    const world = await World.of();
    await world.as("ann").send("rebase now", { to: "bob", ack: true, deadlineMs: MINUTE });
    await world.as("ann").agents.unregister();
    world.clock += MINUTE + 1;
    await world.as("cay").messages.unreadCount();
    expect(await world.toldTo("ann")).toEqual([]);
  });

  test("is neither none nor longer than a week", async () => {
    const world = await World.of();
    for (const deadline of [0, -1, 8 * 24 * HOUR, Number.NaN])
      await expect(world.as("ann").send("x", { to: "bob", ack: true, deadlineMs: deadline })).rejects.toMatchObject({
        code: "usage",
      });
    expect(await world.store.list("messages"), "and nothing was sent").toEqual([]);
  });
});

test("a deadline for everyone was taken, and nobody was ever told", async () => {
  const story = new Story();
  expect((await story.as("a", "send", "--deadline", "1m", "x")).code).toBe(2);
  expect((await story.as("a", "send", "--ack", "x")).code).toBe(0);
  await story.as("b", "register");
  await story.as("a", "send", "--to", "b", "--deadline", "10m", "--ack", "y");
  expect((await story.as("b", "inbox")).out).toContain("wants ack, answer within 10m: y");
});
