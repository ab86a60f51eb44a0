import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import { expect } from "vitest";
import { FORMAT_1_FILES, writeFormat1 } from "../support/format-1.ts";
import { isOpenFor, listed, readAll, readAllTwice, records, relayOf, within } from "./invariants.ts";
import { operations } from "./operations.mjs";

/** What is known after a run was cut off. */
export interface Aftermath {
  /** The folder that holds `.relay`. */
  readonly home: string;
  /** Whether the operation returned. */
  readonly acknowledged: boolean;
  /** The ids that its reader was shown. */
  readonly shown: readonly string[];
  /** Does the operation once more, to its end. */
  again(): Promise<void>;
}

/** An operation, the relay it is done on, and what must hold wherever it was cut off. */
export interface Scene {
  readonly name: string;
  prepare(dir: string): Promise<void>;
  check(after: Aftermath): Promise<void>;
}

const DAY = 24 * 3_600_000;

export const SCENES: readonly Scene[] = [
  { name: "send to one", prepare: village, check: (after) => checkSend(after, ["bob"]) },
  { name: "send to several", prepare: village, check: (after) => checkSend(after, ["bob", "cho"]) },
  { name: "send to all", prepare: village, check: (after) => checkSend(after, ["bob", "cho"]) },
  { name: "first send of all", prepare: async () => {}, check: checkFirstSend },
  { name: "inbox", prepare: village, check: checkInbox },
  { name: "ack", prepare: villageWithOpenQuestion, check: checkAck },
  { name: "register", prepare: village, check: checkRegister },
  { name: "unregister", prepare: village, check: checkUnregister },
  { name: "cleanup", prepare: villageInNeedOfCleanup, check: checkCleanup },
  { name: "claim", prepare: village, check: checkClaim },
  { name: "release", prepare: villageWithWaiter, check: checkTold },
  { name: "subscribe", prepare: villageWithClaim, check: checkSubscribed },
  { name: "task add", prepare: villageWithBoard, check: checkTaskAdd },
  { name: "task next", prepare: villageWithBoard, check: checkTaskNext },
  { name: "task done", prepare: villageAtWork, check: checkTaskDone },
  { name: "first write to format 1", prepare: smallOldRelay, check: checkCarriedOver },
];

/** Ann, Bob and Cho, with three messages that nobody has read yet. */
async function village(dir: string): Promise<void> {
  for (const session of ["ann", "bob", "cho"]) await relayOf(dir, session).agents.register({ name: session });
  const ann = relayOf(dir, "ann");
  await ann.send("to bob", { to: "bob" });
  await ann.send("to everyone");
  await ann.send("question", { to: "bob", kind: "question" });
  for (const session of ["bob", "cho"]) await relayOf(dir, session).messages.unreadCount();
}

async function villageWithOpenQuestion(dir: string): Promise<void> {
  await village(dir);
  await relayOf(dir, "bob").inbox();
}

async function villageInNeedOfCleanup(dir: string): Promise<void> {
  await village(dir);
  const threeDaysAgo = Date.now() - 3 * DAY;
  const past = relayOf(dir, "ann", () => threeDaysAgo);
  const doomed = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"], { stdio: "ignore" });
  const end = once(doomed, "exit");
  await relayOf(dir, "gil").agents.register({ name: "gil", pid: doomed.pid });
  doomed.kill("SIGKILL");
  await end;
  const { id } = await past.send("old and read", { to: "bob" });
  await relayOf(dir, "bob").messages.markRead(id);
  await past.send("old and unread", { to: "bob" });
}

const WAITING = {
  bob: ["question", "to bob", "to everyone"],
  cho: ["to everyone"],
};

async function checkSend({ home, acknowledged, again }: Aftermath, recipients: readonly string[]): Promise<void> {
  const dir = `${home}/.relay`;
  const sent = records(dir, "messages").filter((message) => message.content === "news");
  for (const reader of ["bob", "cho"] as const) {
    const contents = await readAllTwice(dir, reader);
    const news = contents.filter((content) => content === "news");
    const written = sent.filter(
      (message) => recipients.includes(reader) && [reader, null].includes(message.to_session as null),
    );
    expect(news.length, `${reader} is shown what is in messages/, no more and no less`).toBe(written.length);
    if (acknowledged)
      expect(news.length, `what was acknowledged to ${reader}`).toBe(recipients.includes(reader) ? 1 : 0);
    expect(contents.filter((content) => content !== "news")).toEqual(WAITING[reader]);
  }
  await again();
  for (const reader of recipients) expect(await readAllTwice(dir, reader)).toEqual(["news"]);
}

async function checkFirstSend({ home, acknowledged, again }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  const sent = records(dir, "messages").length;
  if (acknowledged) expect(sent).toBe(1);
  await relayOf(dir, "bob").agents.register();
  expect((await readAllTwice(dir, "bob")).length, "who comes late hears it").toBe(sent);
  await again();
  expect(await readAllTwice(dir, "bob")).toEqual(["news"]);
  expect((await within(() => relayOf(dir, "passer-by").agents.find("ann")))?.presence).toBe("active");
}

async function checkInbox({ home, acknowledged, shown, again }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  const messages = records(dir, "messages");
  for (const { id, read_by } of messages)
    if ((read_by as string[]).includes("bob")) expect(shown, "only what was shown is marked").toContain(id);
  const copy = `${home}-copy`;
  fs.cpSync(home, copy, { recursive: true, preserveTimestamps: true });
  const rest = await readAll(`${copy}/.relay`, "bob");
  if (acknowledged) expect(rest).toEqual([]);
  expect([...new Set([...shown, ...rest.map(({ id }) => id)])].sort()).toEqual(messages.map(({ id }) => id).sort());
  await again();
  expect(await readAllTwice(dir, "bob")).toEqual([]);
  expect(await isOpenFor(dir, "bob", "question")).toBe(true);
  expect(await readAllTwice(dir, "cho")).toEqual(WAITING.cho);
}

async function checkAck({ home, acknowledged, again }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  if (acknowledged) expect(await isOpenFor(dir, "bob", "question")).toBe(false);
  await again();
  expect(await isOpenFor(dir, "bob", "question")).toBe(false);
  expect(listed(dir, "inboxes/bob/open"), "what was acked is off the list").toEqual([]);
  expect(await readAllTwice(dir, "bob")).toEqual([]);
  expect(await readAllTwice(dir, "cho")).toEqual(WAITING.cho);
}

async function checkRegister({ home, acknowledged, again }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  const eve = await within(() => relayOf(dir, "passer-by").agents.find("eve"));
  if (acknowledged || eve) expect(eve).toMatchObject({ session_id: "eve", name: "eve", role: "reviewer" });
  if (acknowledged) await expect(relayOf(dir, "fay").agents.register({ name: "eve" })).rejects.toThrow("eve has it");
  if (!eve) {
    const copy = `${home}-copy`;
    fs.cpSync(home, copy, { recursive: true, preserveTimestamps: true });
    const other = relayOf(`${copy}/.relay`, "fay");
    expect(
      (await within(() => other.agents.register({ name: "eve" }))).name,
      "a reserved name without a holder is free",
    ).toBe("eve");
  }
  await again();
  expect(await relayOf(dir, "passer-by").agents.find("eve")).toMatchObject({ name: "eve", presence: "active" });
  expect(await readAllTwice(dir, "eve")).toEqual(["to everyone"]);
}

async function checkUnregister({ home, acknowledged, again }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  const known = (await within(() => relayOf(dir, "passer-by").agents.list())).map((agent) => agent.session_id);
  if (acknowledged) expect(known).not.toContain("bob");
  expect(await relayOf(dir, "passer-by").agents.find("bob"), "registered or archived, never lost").toMatchObject({
    name: "bob",
  });
  await again();
  expect((await relayOf(dir, "passer-by").agents.list()).map((agent) => agent.session_id)).not.toContain("bob");
  expect(await relayOf(dir, "passer-by").agents.find("bob")).toMatchObject({ name: "bob", presence: "gone" });
  const bob = relayOf(dir, "bob");
  await bob.send("back", { to: "ann" });
  expect(
    (await bob.agents.list()).map((agent) => agent.session_id),
    "who sends is registered",
  ).toContain("bob");
  expect(await readAllTwice(dir, "bob"), "its mail was kept").toEqual(WAITING.bob);
}

async function checkCleanup({ home, acknowledged, again }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  if (!acknowledged) await again();
  expect((await relayOf(dir, "passer-by").agents.list()).map((agent) => agent.session_id).sort()).toEqual([
    "ann",
    "bob",
    "cho",
  ]);
  expect(await relayOf(dir, "passer-by").agents.find("gil")).toMatchObject({ name: "gil", presence: "gone" });
  expect(listed(dir, "agents")).not.toContain("gil.seen");
  expect(records(dir, "messages").map((message) => message.content)).not.toContain("old and read");
  expect(await readAllTwice(dir, "bob")).toEqual(["old and unread", ...WAITING.bob]);
  expect(await readAllTwice(dir, "cho")).toEqual(WAITING.cho);
}

/** Does an operation a second time, to its end. */
export async function performAgain(name: string, dir: string): Promise<void> {
  const operation = operations[name];
  if (!operation) throw new Error(`There is no operation "${name}"`);
  await within(() => operation.run(relayOf(dir, operation.session), () => {}));
}

const KEPT = ["tasks", "archive/agents"];

/** A relay of format 1 with a few records: each is a hundred points to be killed at. */
async function smallOldRelay(dir: string): Promise<void> {
  const [task] = Object.keys(FORMAT_1_FILES).filter((name) => /^tasks\/.*\.json$/.test(name));
  writeFormat1(dir, (name) => ["relay.json", "archive/agents/cho.json", task].includes(name));
}

/** What the records say is what it was, in whichever format each is. */
async function checkCarriedOver({ home, again }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  const expected = `${home}/expected`;
  await smallOldRelay(expected);
  const kept = async (of: string) => {
    const { tasks, ended } = await relayOf(of, "passer-by").admin.dump();
    return { tasks, ended };
  };
  const before = await kept(expected);
  expect(await within(() => kept(dir))).toEqual(before);
  await again();
  expect(await kept(dir)).toEqual(before);
  const texts = KEPT.flatMap((folder) => records(dir, folder).map((record) => JSON.stringify(record)));
  expect(texts.filter((text) => /"\w+_at":\d|"ttl"/.test(text.replace(/"registered_at":\d+/, "")))).toEqual([]);
}

async function villageWithClaim(dir: string): Promise<void> {
  await village(dir);
  await relayOf(dir, "bob").claim("src/db.ts");
}

async function villageWithWaiter(dir: string): Promise<void> {
  await villageWithClaim(dir);
  await relayOf(dir, "cho").waits.subscribe({ released: ["src/db.ts"] });
}

/** Two tasks, of which the second depends on the first. */
async function villageWithBoard(dir: string): Promise<void> {
  await village(dir);
  const { tasks } = relayOf(dir, "ann");
  await tasks.add("first", { files: ["src/db.ts"] });
  await tasks.add("second", { dependsOn: ["first"] });
}

async function villageAtWork(dir: string): Promise<void> {
  await villageWithBoard(dir);
  await relayOf(dir, "cho").waits.subscribe({ taskDone: ["first"] });
  await relayOf(dir, "bob").tasks.next({ claimFiles: true });
}

/** Ann has it or nobody has; she can ask again, and has it then, once. */
async function checkClaim({ home, acknowledged, again }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  const held = await within(() => relayOf(dir, "cho").claims.list());
  if (acknowledged) expect(held).toHaveLength(1);
  for (const claim of held) expect(claim).toMatchObject({ session_id: "ann", targets: [{ path: "src/db.ts" }] });
  await again();
  expect(await relayOf(dir, "cho").claims.list()).toHaveLength(1);
  await expect(relayOf(dir, "bob").claim("src")).rejects.toMatchObject({ code: "conflict" });
}

/** The outcome is told once, however often the release was tried. */
async function checkTold({ home, acknowledged }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  const news = async () => (await readAll(dir, "cho")).filter((message) => message.from_session === "system");
  const told = await news();
  const held = await relayOf(dir, "cho").claims.list();
  if (acknowledged) expect(held).toEqual([]);
  expect(told).toHaveLength(held.length === 0 ? 1 : 0);
  if (held.length > 0) await within(() => relayOf(dir, "bob").release("src/db.ts"));
  expect([...told, ...(await news())], "told once").toHaveLength(1);
}

/** Who was told that it is subscribed is told of the outcome. */
async function checkSubscribed({ home, acknowledged }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  const waits = await within(() => relayOf(dir, "ann").waits.list());
  if (acknowledged) expect(waits).toHaveLength(1);
  await relayOf(dir, "bob").release("src/db.ts");
  const told = (await readAll(dir, "cho")).filter((message) => message.from_session === "system");
  expect(told).toHaveLength(waits.length);
}

async function checkTaskAdd({ home, acknowledged }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  const { tasks } = relayOf(dir, "bob");
  const titles = (await within(() => tasks.list())).tasks.map((task) => task.title);
  expect(titles.sort()).toEqual(expect.arrayContaining(["first", "second"]));
  if (acknowledged) expect(titles).toContain("third");
  await workThrough(dir, titles);
}

/** Nothing stays held by a taking that was cut off for longer than its short lease, and every task can be done in the end. */
async function checkTaskNext({ home, acknowledged }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  const first = await relayOf(dir, "cho").tasks.get("first");
  if (acknowledged) expect(first).toMatchObject({ state: "in_progress", owner: { session_id: "ann" } });
  if (first.state === "in_progress") {
    expect((await relayOf(dir, "cho").claims.list()).map((claim) => claim.session_id)).toEqual(["ann"]);
    await relayOf(dir, "ann").tasks.release("first");
  }
  await workThrough(dir, ["first", "second"]);
}

async function checkTaskDone({ home, acknowledged }: Aftermath): Promise<void> {
  const dir = `${home}/.relay`;
  const bob = relayOf(dir, "bob").tasks;
  const [first] = (await bob.list({ which: "all", limit: 9 })).tasks.filter((task) => task.title === "first");
  if (acknowledged) expect(first?.state).toBe("done");
  if (first?.state !== "done") await within(() => bob.done("first"));
  const told = async () => (await readAll(dir, "cho")).filter((message) => message.from_session === "system").length;
  expect((await told()) + (await told()), "told once").toBe(1);
  await workThrough(dir, ["second"]);
}

/** Dan does all that is ready, past any short lease, until nothing is: these were all, each once. */
async function workThrough(dir: string, titles: readonly string[]): Promise<void> {
  const { tasks } = relayOf(dir, "dan", () => Date.now() + 31_000);
  const done: string[] = [];
  for (let next = await tasks.next({ claimFiles: true }); next; next = await tasks.next({ claimFiles: true })) {
    done.push(next.title);
    await tasks.done(next.id);
  }
  expect(done.sort()).toEqual([...titles].sort());
  expect((await tasks.list()).tasks).toEqual([]);
}
