import { describe, expect, test } from "vitest";
import { HOUR, MINUTE, World } from "../support/relay-with-person.ts";

describe("a message that obliges", () => {
  const settlings: [string, (world: World, id: string) => Promise<unknown>][] = [
    ["acks it", (world, id) => world.as("bob").messages.ack(id)],
    ["answers it", (world, id) => world.as("bob").reply(id, "done")],
    ["answers it by --reply-to", (world, id) => world.as("bob").send("done", { to: "ann", replyTo: id })],
    ["has it taken back by its sender", (world, id) => world.as("ann").messages.withdraw(id)],
  ];
  const asking = [{ ack: true }, { kind: "question" }, { kind: "request-yield", claims: ["src"] }] as const;

  test.each(settlings)("comes back at each look until its reader %s", async (_, settle) => {
    for (const how of asking) {
      const world = await World.of();
      const { id: held } = await world.as("bob").claim(["src"]);
      const { id } = await world
        .as("ann")
        .send("rebase now", { to: "bob", ...how, ...("claims" in how && { claims: [held] }) });
      expect(await world.shown("bob")).toEqual(["rebase now"]);
      for (const _ of [1, 2]) expect(await world.shown("bob")).toEqual(["open: rebase now"]);
      await settle(world, id);
      expect(await world.shown("bob")).toEqual([]);
    }
  });

  test("is no longer owed after it has expired, and what asks for nothing never comes back", async () => {
    const world = await World.of();
    await world.as("ann").send("by noon", { to: "bob", ack: true, expiresMs: MINUTE });
    for (const kind of ["info", "ack", "status", "decision"] as const)
      await world.as("ann").send(kind, { to: "bob", kind });
    expect(await world.shown("bob")).toHaveLength(5);
    expect(await world.shown("bob")).toEqual(["open: by noon"]);
    world.clock += MINUTE;
    expect(await world.shown("bob")).toEqual([]);
    world.clock += 2 * HOUR;
    await world.as("cay").messages.unreadCount();
    expect(await world.toldTo("ann"), "it could not be answered in time").toEqual([]);
  });

  test("to everyone comes back to each of them until that one has acked it", async () => {
    const world = await World.of();
    const { id } = await world.as("ann").send("pull", { ack: true });
    for (const session of ["bob", "cay"]) await world.shown(session);
    await world.as("bob").messages.ack(id);
    expect(await world.shown("bob")).toEqual([]);
    expect(await world.shown("cay")).toEqual(["open: pull"]);
    expect(await world.shown("ann")).toEqual([]);
  });
});
