import { expect, test } from "vitest";
import { Story, tempDir } from "../support/cli.ts";
import { relay } from "../support/relay-of.ts";

const NOON = Date.parse("2026-03-01T12:00:00Z");

test("an agent that only acks, reads and looks back was taken for idle", async () => {
  const story = new Story();
  await story.as("b", "register");
  const [id = ""] = (await story.as("a", "send", "--to", "b", "--ack", "hi")).out.split(" ");
  await story.as("b", "inbox");
  for (const args of [["ack", id], ["read", id], ["history"], ["thread", id], ["check", "src"]]) {
    story.now += 20 * 60_000;
    await story.as("b", ...args);
    const agents = await story.json<{ session_id: string; presence: string }[]>("c", "agents");
    expect(
      agents.find((agent) => agent.session_id === "b"),
      args[0],
    ).toMatchObject({ presence: "active" });
  }
});

test("a registration made by a clock a day ahead was gone for a day", async () => {
  const dir = tempDir();
  await relay(dir, "b", { now: () => NOON + 86_400_000 }).agents.register();
  await relay(dir, "b", { now: () => NOON }).messages.unreadCount();
  expect((await relay(dir, "a", { now: () => NOON }).agents.find("b"))?.presence).toBe("active");
});
