import fs from "node:fs";
import { expect, test } from "vitest";
import { tempDir } from "../support/cli.ts";
import { relay } from "../support/relay-of.ts";

test("a look at who has how much unread took messages off the lists of others", async () => {
  const dir = tempDir();
  await relay(dir, "b").agents.register();
  const { id } = await relay(dir, "a").send("hello", { to: "b" });
  await relay(dir, "b").messages.markRead(id);
  fs.writeFileSync(`${dir}/inboxes/b/${id}`, "");
  await relay(dir, "a").agents.list({ unread: true });
  expect(fs.existsSync(`${dir}/inboxes/b/${id}`)).toBe(true);
  await relay(dir, "b").messages.unreadCount();
  expect(fs.existsSync(`${dir}/inboxes/b/${id}`)).toBe(false);
});
