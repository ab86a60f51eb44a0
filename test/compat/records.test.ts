import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Relay, type RelayOptions } from "../../src/index.ts";
import { iso } from "../../src/time.ts";
import { AGENT, MESSAGES, WRITTEN_AT } from "./written-by-crate.ts";

const now = () => (WRITTEN_AT + 60) * 1000;

/** A relay folder, with what the crate left in it. */
function relayDir(
  messages: Readonly<Record<string, string>> = {},
  agents: Readonly<Record<string, string>> = {},
): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "agent-relay-compat-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  for (const [sub, records] of Object.entries({ messages, agents })) {
    fs.mkdirSync(`${folder}/.relay/${sub}`, { recursive: true });
    for (const [name, text] of Object.entries(records)) fs.writeFileSync(`${folder}/.relay/${sub}/${name}.json`, text);
  }
  return `${folder}/.relay`;
}

function as(dir: string, session: string, options: RelayOptions = {}): Relay {
  return new Relay(dir, { session, agent: session.split("-")[0], ...options });
}

test("messages of the crate are read field by field", async () => {
  const dir = relayDir(MESSAGES);
  const claude = as(dir, "claude-1", { now });
  for (const id of ["msg-80671b24", "msg-11d74fe4", "msg-fd40f49c", "msg-df2cabbc", "msg-1790ca45"])
    expect(await claude.messages.get(id)).toEqual(JSON.parse(MESSAGES[id] ?? ""));
});

test("messages of the crate wait for those they are for, unless the crate says they were read", async () => {
  const dir = relayDir(MESSAGES);
  const claude = as(dir, "claude-1", { now });
  await claude.agents.register();
  const { items, more } = await claude.inbox();
  expect(items.map((item) => item.message.content).toSorted()).toEqual([
    "",
    'To everyone: "build" is green ✓',
    "Two lines,\nand a tab\there",
  ]);
  expect(items.every((item) => item.is_new)).toBe(true);
  expect(more).toBe(0);
  expect((await claude.inbox()).items).toEqual([]);
});

test("a direct message of the crate is hidden from everyone else", async () => {
  const dir = relayDir(MESSAGES);
  const other = as(dir, "other-1", { now });
  await other.agents.register();
  expect((await other.inbox()).items.some((item) => item.message.to_session !== null)).toBe(false);
  await expect(other.messages.get("msg-57c8f722")).rejects.toMatchObject({ code: "not_found" });
  expect((await other.messages.history()).messages.some((message) => message.to_session !== null)).toBe(false);
});

test("our receipt is added to a message of the crate, and nothing else of it changes", async () => {
  const dir = relayDir(MESSAGES);
  await as(dir, "claude-1", { now }).messages.markRead("msg-80671b24");
  const text = fs.readFileSync(`${dir}/messages/msg-80671b24.json`, "utf8");
  const { receipts, ...base } = JSON.parse(text);
  expect(Object.keys(receipts)).toEqual(["claude-1"]);
  expect(base).toEqual({
    ...JSON.parse(MESSAGES["msg-80671b24"] ?? ""),
    read_by: ["gemini-1", "early", "claude-1"],
  });
  expect(text.startsWith('{\n  "id": "msg-80671b24",\n  "from_session"'), "in the same order").toBe(true);
});

test("a registration of the crate is an agent here, and can be sent to", async () => {
  const dir = relayDir({}, { "gemini-1": AGENT });
  const claude = as(dir, "claude-1", { now });
  expect(await claude.agents.list()).toMatchObject([
    { ...JSON.parse(AGENT), presence: "active", last_seen: iso(WRITTEN_AT * 1000) },
  ]);
  const sent = await claude.send("hello", { to: "gemini-1" });
  expect(sent.recipients).toEqual([{ session_id: "gemini-1" }]);
  expect(await claude.admin.cleanupDead(), "a pid without a place is not judged").toEqual([]);
});

test("fields of neither side survive our rewrites", async () => {
  const stranger = `${AGENT.slice(0, -2)},\n  "theirs": {\n    "a": 1\n  }\n}`;
  const dir = relayDir({}, { "gemini-1": stranger });
  await as(dir, "gemini-1").agents.heartbeat();
  expect(JSON.parse(fs.readFileSync(`${dir}/agents/gemini-1.json`, "utf8"))).toMatchObject({ theirs: { a: 1 } });
});

const MESSAGE_KEYS = ["id", "from_session", "from_agent", "to_session", "content", "timestamp", "read_by"];
const AGENT_KEYS = ["session_id", "agent_id", "pid", "registered_at", "last_heartbeat", "metadata"];

test("every message that we write keeps the crate's rules, whatever became of it", async () => {
  const dir = relayDir();
  const [claude, codex, gemini] = [as(dir, "claude-1"), as(dir, "codex-1"), as(dir, "gemini-1")];
  for (const each of [claude, codex, gemini]) await each.agents.register({ pid: process.pid });
  const before = Math.floor(Date.now() / 1000);
  await claude.send("to everyone ✓");
  await claude.send('direct\n"quoted"', { to: "codex-1" });
  await claude.send("to both", { to: ["codex-1", "gemini-1"] });
  const question = await claude.send("why?", { to: "codex-1", kind: "question", ack: true, expiresMs: 60_000 });
  await codex.inbox();
  await codex.reply(question.id, "because");
  await claude.messages.withdraw((await claude.send("taken back", { to: "gemini-1" })).id);
  await gemini.inbox();

  const files = fs.readdirSync(`${dir}/messages`);
  expect(files.length).toBe(7);
  for (const file of files) {
    const text = fs.readFileSync(`${dir}/messages/${file}`, "utf8");
    const record = JSON.parse(text);
    expect(text, "two-space JSON, and no newline at the end").toBe(JSON.stringify(record, null, 2));
    expect(Object.keys(record).slice(0, MESSAGE_KEYS.length)).toEqual(MESSAGE_KEYS);
    expect(file).toBe(`${record.id}.json`);
    expect([record.id, record.from_session, record.from_agent, record.content].map((value) => typeof value)).toEqual(
      Array(4).fill("string"),
    );
    expect(record.to_session === null || typeof record.to_session === "string").toBe(true);
    expect(text, "seconds, without a fraction").toMatch(/\n {2}"timestamp": [1-9]\d{9},\n/);
    expect(record.timestamp - before).toBeGreaterThanOrEqual(0);
    expect(record.timestamp - before).toBeLessThan(60);
    expect(record.read_by[0]).toBe(record.from_session);
    expect(new Set(record.read_by).size).toBe(record.read_by.length);
  }
});

test("every registration that we write keeps the crate's rules", async () => {
  const dir = relayDir();
  await as(dir, "claude-1").agents.register();
  await as(dir, "codex-1").agents.register({ pid: process.pid, role: "reviewer", metadata: { model: "x" }, cwd: dir });
  await as(dir, "codex-1").agents.heartbeat();
  for (const session of ["claude-1", "codex-1"]) {
    const text = fs.readFileSync(`${dir}/agents/${session}.json`, "utf8");
    const record = JSON.parse(text);
    expect(text).toBe(JSON.stringify(record, null, 2));
    expect(Object.keys(record).slice(0, AGENT_KEYS.length)).toEqual(AGENT_KEYS);
    expect(record.session_id).toBe(session);
    expect(Number.isInteger(record.pid) && record.pid >= 0 && record.pid <= 0xffffffff).toBe(true);
    for (const key of ["registered_at", "last_heartbeat"]) expect(text).toMatch(new RegExp(`"${key}": [1-9]\\d{9},`));
    expect(typeof record.metadata).toBe("object");
  }
});

test("the crate meets no other JSON of ours beside its records", async () => {
  const dir = relayDir();
  const [claude, codex] = [as(dir, "claude-1"), as(dir, "codex-1")];
  await codex.agents.register();
  await claude.send("one", { to: "codex-1" });
  await codex.inbox();
  await codex.agents.unregister();
  expect(fs.readdirSync(`${dir}/messages`).filter((name) => !/^msg-[0-9a-z]+\.json$/.test(name))).toEqual([]);
  expect(fs.readdirSync(`${dir}/agents`).filter((name) => name.endsWith(".json"))).toEqual(["claude-1.json"]);
});
