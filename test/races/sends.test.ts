import fs from "node:fs";
import { expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { isWhole, racers } from "../support/scale.ts";
import { askAll, crowd, listed, newRelayDir, start } from "./workers.ts";

const PROCESSES = racers(32);
const SENDS = isWhole ? 500 : 200; // more than a look shows, of all of them together

test(`${PROCESSES} processes that send ${SENDS} messages each into one inbox lose none and double none`, async () => {
  const dir = newRelayDir();
  const total = PROCESSES * SENDS;
  const reader = new Relay(dir, { session: "reader", durability: "process" });
  await reader.agents.register();
  const senders = await crowd(PROCESSES, "agent.mjs", (index) => ({ dir, session: `sender-${index}` }));

  const start = performance.now();
  const sent = (await askAll<string[]>(senders, "sendMany", { to: "reader", count: SENDS })).flat();
  const seconds = (performance.now() - start) / 1000;
  console.log(`${total} sends by ${PROCESSES} processes: ${Math.round(total / seconds)} a second`);

  expect(new Set(sent).size, "every send has an id of its own").toBe(total);
  const ids = sent.toSorted();
  expect(listed(`${dir}/inboxes/reader`).toSorted(), "each is unread").toEqual(ids);
  expect(namesOfRecords(`${dir}/messages`), "each is there").toEqual(ids);
  const texts = ids.map((id): string => JSON.parse(fs.readFileSync(`${dir}/messages/${id}.json`, "utf8")).content);
  expect(new Set(texts).size, "none stands in the place of another").toBe(total);
  expect(fs.readdirSync(`${dir}/drafts`), "nothing half-written is left").toEqual([]);
  expect(fs.readdirSync(`${dir}/locks`), "no lock is left").toEqual([]);

  const { items } = await reader.inbox({ limit: 1000 });
  expect(items.map((item) => item.message.id).toSorted(), "the oldest come first").toEqual(ids.slice(0, 1000));
  for (let sender = 0; sender < PROCESSES; sender++) {
    const shown = items.filter((item) => item.message.from_session === `sender-${sender}`);
    expect(
      shown.map((item) => item.message.content),
      "in the order in which they were sent",
    ).toEqual(shown.map((_, n) => `sender-${sender} ${n}`));
  }
});

test(`a relay that ${PROCESSES} processes begin at once is one relay with all of them in it`, async () => {
  const dir = newRelayDir();
  const agents = await crowd(PROCESSES, "agent.mjs", (index) => ({ dir, session: `agent-${index}` }));
  const sent = await askAll<{ id: string }>(agents, "send", { content: "hello, all" });
  expect(new Set(sent.map(({ id }) => id)).size).toBe(PROCESSES);

  const record: unknown = JSON.parse(fs.readFileSync(`${dir}/relay.json`, "utf8"));
  expect(record).toMatchObject({ format: 2, mark: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(fs.readFileSync(`${dir}/.gitignore`, "utf8")).toBe("*\n");
  expect(fs.readdirSync(dir).filter((name) => name.startsWith("start-"))).toEqual([]);

  const first = new Relay(dir, { session: "agent-0" });
  expect((await first.agents.list()).map((agent) => agent.session_id).toSorted()).toEqual(
    agents.map((_, index) => `agent-${index}`).toSorted(),
  );
  const heard = (await first.messages.unread()).messages;
  expect(heard.length, "the others' broadcasts").toBe(PROCESSES - 1);
  expect(namesOfRecords(`${dir}/messages`)).toEqual(sent.map(({ id }) => id).toSorted());
});

function namesOfRecords(folder: string): string[] {
  const names = fs.readdirSync(folder).map((name) => name.replace(/\.json$/, ""));
  return names.toSorted();
}

test("old broadcasts that everyone has read do not keep new ones out", async () => {
  const dir = newRelayDir();
  const limits = { inboxUnread: 5 };
  const [sender, reader] = ["sender", "reader"].map((session) => new Relay(dir, { session, limits }));
  await reader?.agents.register();
  for (let n = 0; n < 8; n++) {
    await sender?.send(`news ${n}`);
    expect((await reader?.inbox())?.items.map((item) => item.message.content)).toEqual([`news ${n}`]);
  }
});

test("an inbox of more than a thousand does not say that fewer are left than there are", async () => {
  const dir = newRelayDir();
  const sender = await start("agent.mjs", { dir, session: "sender" });
  const reader = new Relay(dir, { session: "reader" });
  await reader.agents.register();
  await sender.ask("sendMany", { to: "reader", count: 1100 });
  expect((await reader.inbox({ limit: 10 })).more, "1001 means more than 1000").toBe(1001);
});
