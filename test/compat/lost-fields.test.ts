import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Relay } from "../../src/index.ts";

const BASE = ["id", "from_session", "from_agent", "to_session", "content", "timestamp", "read_by"];

function newRelays(): Record<"claude" | "codex" | "gemini", Relay> & { dir: string } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "agent-relay-compat-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  const dir = path.join(folder, ".relay");
  const as = (session: string) => new Relay(dir, { session });
  return { dir, claude: as("claude"), codex: as("codex"), gemini: as("gemini") };
}

/** What the crate does to a message when `reader` reads it there; `seen` is what it had read before others wrote. */
function rewriteAsCrate(dir: string, id: string, reader: string, seen?: string): void {
  const file = `${dir}/messages/${id}.json`;
  const { read_by, ...record } = JSON.parse(seen ?? fs.readFileSync(file, "utf8"));
  const kept = Object.fromEntries(Object.entries(record).filter(([key]) => BASE.includes(key)));
  fs.writeFileSync(file, JSON.stringify({ ...kept, read_by: [...read_by, reader] }, null, 2));
}

test("a message whose extra fields were dropped stays read for who has read it", async () => {
  const { dir, claude, codex, gemini } = newRelays();
  for (const each of [codex, gemini]) await each.agents.register();
  const { id } = await claude.send("news", { kind: "status" });
  await codex.inbox();
  rewriteAsCrate(dir, id, "crate");
  await codex.agents.register();
  expect((await codex.inbox()).items).toEqual([]);
  expect((await gemini.inbox()).items.length).toBe(1);
});

test("a session that read a broadcast is not shown it again, though the crate lost its receipt in a race", async () => {
  const { dir, claude, codex } = newRelays();
  await codex.agents.register();
  const { id } = await claude.send("news");
  const seen = fs.readFileSync(`${dir}/messages/${id}.json`, "utf8");
  await codex.inbox();
  rewriteAsCrate(dir, id, "crate", seen);
  expect((await codex.inbox()).items, "at its next look").toEqual([]);
  await codex.agents.register();
  expect((await codex.inbox()).items, "after it has registered again").toEqual([]);
});

test("a message that was taken back stays so, though the crate dropped the field that says it", async () => {
  const { dir, claude, codex } = newRelays();
  await codex.agents.register();
  await codex.messages.unreadCount(); // the first look after a boot lists all there is
  const { id } = await claude.send("oops");
  await claude.messages.withdraw(id);
  rewriteAsCrate(dir, id, "crate");
  expect((await codex.inbox()).items).toEqual([]);
});

test("who was to ack a message is no longer asked, once the crate has dropped that it asks", async () => {
  const { dir, claude, codex } = newRelays();
  await codex.agents.register();
  const { id } = await claude.send("please", { to: "codex", ack: true });
  expect((await codex.inbox()).items.length).toBe(1);
  expect((await codex.inbox()).items.map((item) => item.is_open)).toEqual([true]);
  rewriteAsCrate(dir, id, "crate");
  expect((await codex.inbox()).items).toEqual([]);
  expect((await codex.messages.ack(id)).receipts?.codex?.acked_at).toBeDefined();
});
