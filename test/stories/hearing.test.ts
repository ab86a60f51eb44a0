import fs from "node:fs";
import { expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { iso } from "../../src/time.ts";
import { hereOnly, Story } from "../support/cli.ts";

const MINUTE = 60_000;

test("nobody saw that nothing told an agent of its mail: send says it, and when it last looked", async () => {
  const story = new Story();
  await story.as("codex-1", "register", "--name", "cox");
  const send = async () => (await story.as("ann", "send", "--to", "cox", "hello")).out;
  expect(await send()).toContain("(active, it sees this when it looks, which it has not done yet)");
  await story.as("codex-1", "inbox", "--peek");
  expect(await send(), "who only peeks may leave it at that").toContain(
    "which it has not done yet, 1 unread before this)",
  );
  await story.as("codex-1", "inbox");
  story.now += 5 * MINUTE;
  expect(await send()).toContain("(active, it sees this when it looks, last 5m ago)");
  const { recipients } = await story.json<{ recipients: object[] }>("ann", "send", "--to", "cox", "more");
  expect(recipients).toMatchObject([{ told_by: [], looked_at: iso(story.now - 5 * MINUTE) }]);
});

test("agents says what each hears by", async () => {
  const story = new Story();
  await story.as("codex-1", "register", "--name", "cox");
  const table = async () => (await story.as("ann", "agents")).out;
  expect(await table()).toMatch(/UNREAD\tHEARS BY\tROLE[\s\S]*cox\t.*\t-\t-/);
  await story.as("codex-1", "inbox");
  story.now += 2 * MINUTE;
  expect(await table()).toMatch(/cox\t.*looks \(2m\)/);
  const agents = await story.json<object[]>("ann", "agents");
  expect(agents).toMatchObject([{}, { name: "cox", told_by: [], looked_at: iso(story.now - 120_000) }].slice(1));
});

hereOnly("who watches, or waits for mail, is told by that as long as it goes on", async () => {
  const story = new Story();
  const dir = `${story.cwd}/.relay`;
  const bob = new Relay(dir, { session: "bob" });
  await bob.agents.register();
  const told = async () => (await new Relay(dir, { session: "ann" }).agents.find("bob"))?.told_by;
  const looked = async () => (await bob.agents.find("bob"))?.looked_at;
  const until = async (begin: (signal: AbortSignal) => Promise<unknown>) => {
    const end = new AbortController();
    const over = begin(end.signal);
    await expect.poll(told).toEqual(["watch"]);
    end.abort();
    await over;
    expect(await told()).toEqual([]);
  };
  await until((signal) => bob.wait({ message: true }, { signal }).catch(() => {}));
  expect(await looked(), "a wait shows nothing").toBeUndefined();
  await until(async (signal) => {
    for await (const _ of bob.watch({ signal }));
  });
  expect(Date.parse((await looked()) ?? "")).toBeGreaterThan(Date.now() - 60_000);
});

hereOnly("an agent of another program is not said to hear of nothing", async () => {
  const story = new Story();
  await story.as("ann", "send", "hello");
  const foreign = { session_id: "g1", agent_id: "gemini", pid: 0, last_heartbeat: story.now / 1000, metadata: {} };
  fs.writeFileSync(`${story.cwd}/.relay/agents/g1.json`, JSON.stringify({ ...foreign, registered_at: 1 }));
  expect((await story.as("ann", "send", "--to", "g1", "hello")).out).toContain("(active)");
});

hereOnly("doctor names who has mail that nothing tells of, and what to do about it", async () => {
  const story = Object.assign(new Story(), { now: Date.now() });
  for (const [session, agent] of [
    ["codex-1", "codex"],
    ["told", "claude"],
    ["ann", "human"],
  ] as const)
    await story.as(session, "register", "--agent", agent);
  await new Relay(`${story.cwd}/.relay`, { session: "told" }).inbox({ by: "hooks" });
  for (let count = 0; count < 3; count++) await story.as("bob", "send", "hello all");
  story.now += 14 * MINUTE;
  expect((await story.as("ann", "doctor")).out).toContain("backlogs: ok\n");
  story.now += 2 * MINUTE;
  const { out } = await story.as("ann", "doctor");
  expect(out.match(/unread, nothing tells it/g)).toHaveLength(1);
  expect(out).toContain("codex-1 has 3 unread, nothing tells it of mail, and it has not looked yet");
  expect(out).toContain("agent-relay setup codex; or have it run: agent-relay inbox");
});
