import { expect, test } from "vitest";
import { tempDir } from "../support/cli.ts";
import { relay } from "../support/relay-of.ts";

const NOON = Date.parse("2026-03-01T12:00:00Z");

test("cleanup removed the unread mail of a session that had left, which send had said would be kept", async () => {
  const dir = tempDir();
  let now = NOON;
  const at = (session: string) => relay(dir, session, { now: () => now });
  await at("b").agents.register();
  await at("b").agents.unregister();
  await at("a").send("kept?", { to: "b" });
  await at("a").send("kept too?", { to: "later", keep: true });
  now += 400 * 86_400_000;
  await at("a").admin.cleanupOld(60_000);
  expect((await at("b").messages.unread()).messages.map((message) => message.content)).toEqual(["kept?"]);
  expect((await at("later").messages.unread()).messages.map((message) => message.content)).toEqual(["kept too?"]);
});
