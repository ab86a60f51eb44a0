import fs from "node:fs";
import { expect, test } from "vitest";
import { type Agent, type Message, Relay } from "../../src/index.ts";
import { racers, rounds } from "../support/scale.ts";
import { askAll, crowd, Notes, newRelayDir, start } from "./workers.ts";

const NEWCOMERS = rounds(500);
const NAMES = rounds(100);
const NAMELESS = racers(32);

test(`whoever registers while a broadcast is sent hears it, in ${NEWCOMERS} rounds`, async () => {
  const dir = newRelayDir();
  const sender = await start("agent.mjs", { dir, session: "sender" });
  const newcomers = await start("many-agents.mjs", { dir });
  await sender.ask("register");

  const deaf: string[] = [];
  for (let round = 0; round < NEWCOMERS; round++) {
    const session = `newcomer-${round}`;
    const [sent] = await Promise.all([
      sender.ask<{ id: string }>("send", { content: `news ${round}`, afterMs: (round % 25) / 5 }), // at each step of it
      newcomers.ask("register", { session }),
    ]);
    const unread = await newcomers.ask<Message[]>("unread", { session });
    if (!unread.some((message) => message.id === sent.id)) deaf.push(session);
    await newcomers.ask("unregister", { session });
  }
  expect(deaf, "those who missed the broadcast of their round").toEqual([]);
});

test("whoever registers when the sender of a broadcast has already listed the members hears it", async () => {
  const dir = newRelayDir();
  const notes = new Notes();
  const sender = await start("slow-sender.mjs", { dir }, { onNote: notes.hear });
  await sender.ask("register");
  const newcomer = new Relay(dir, { session: "newcomer" });
  await newcomer.messages.unreadCount(); // the first look after a boot lists all there is, which would hide a miss
  const sent = sender.ask<{ id: string }>("send", { until: `${dir}/go-on` });
  await notes.said("has listed the members");
  await newcomer.agents.register();
  fs.writeFileSync(`${dir}/go-on`, "");

  const { id } = await sent;
  expect((await newcomer.messages.unread()).messages.map((message) => message.id)).toEqual([id]);
});

test(`of two who register the same wanted name at once, one gets it and the other is told so, in ${NAMES} rounds`, async () => {
  const dir = newRelayDir();
  const pair = await crowd(2, "many-agents.mjs", () => ({ dir }));
  const wrong: string[] = [];
  for (let round = 0; round < NAMES; round++) {
    const name = `wanted-${round}`;
    const results = await Promise.allSettled(
      pair.map((worker, index) => worker.ask<Agent>("register", { session: `s${round}-${index}`, name })),
    );
    const won = results.filter((result) => result.status === "fulfilled");
    const codes = results.filter((result) => result.status === "rejected").map(({ reason }) => reason.code);
    if (won.length !== 1 || codes.join() !== "conflict") wrong.push(`${name}: ${won.length} got it, codes: ${codes}`);
  }
  expect(wrong).toEqual([]);

  const names = (await new Relay(dir, { session: "s0-0" }).agents.list()).map((agent) => agent.name);
  expect(new Set(names).size, "one holder for each name").toBe(NAMES);
  expect(names.length, "who lost is not registered").toBe(NAMES);
});

test(`${NAMELESS} who register at once without a name all get different ones`, async () => {
  const dir = newRelayDir();
  const agents = await crowd(NAMELESS, "agent.mjs", (index) => ({ dir, session: `claude-${index}` }));
  const names = (await askAll<Agent>(agents, "register")).map((agent) => agent.name);
  expect(new Set(names).size).toBe(NAMELESS);
  for (const name of names) expect(name).toMatch(/^claude-[a-z]+-[a-z]+/);
});
