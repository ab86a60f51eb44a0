import { expect, test } from "vitest";
import { type ActivityEntry, Relay } from "../src/index.ts";
import { tempDir } from "./support/cli.ts";

function town() {
  const dir = `${tempDir()}/.relay`;
  const as = (session: string) => new Relay(dir, { session, agent: "claude", durability: "process" });
  return { ann: as("ann"), bob: as("bob"), looker: as("cay") };
}

async function first<T>(items: AsyncGenerator<T, void, void>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

test("events is one stream, of one union that a program can switch on", async () => {
  const { ann, bob, looker } = town();
  await ann.agents.register();
  const end = new AbortController();
  const seen: ActivityEntry[] = [];
  const all = (async () => {
    for await (const event of looker.events({ signal: end.signal })) seen.push(event);
  })();
  const taken = first(looker.events({ types: ["task.claimed", "claim.taken"], signal: end.signal }));
  await expect.poll(() => bob.activity.note("I am here").then(() => seen.length)).toBeGreaterThan(0);
  await bob.send("hello", { to: "ann" });
  const claim = await bob.claim("src", { reason: "big move" });
  const event = await taken;
  expect(event).toMatchObject({ event: "claim.taken", id: claim.id, session_id: "bob", targets: "src" });
  const until: string | undefined = event?.event === "claim.taken" ? event.expires_at : undefined; // narrowed by its word
  expect(until).toBe(claim.expires_at);
  await expect.poll(() => seen.map((each) => each.event)).toContain("claim.taken");
  end.abort();
  await all;
  expect(seen.map((each) => each.event)).not.toContain("message"); // between others: a looker is not told
});

test("a claim is given back at the end of its block, and the next in line has it", async () => {
  const { ann, bob } = town();
  let waiting: Promise<unknown> | undefined;
  {
    await using held = await ann.claim("src");
    expect(JSON.parse(JSON.stringify(held))).toEqual(held);
    waiting = bob.claim("src", { waitMs: 60_000 });
    await expect.poll(async () => (await ann.activity.snapshot()).queue).toHaveLength(1);
  }
  expect(await waiting).toMatchObject({ session_id: "bob" });
  expect((await ann.claims.list()).map(({ session_id }) => session_id)).toEqual(["bob"]);
});

test("a claim that another has by now is not given back", async () => {
  const { ann, bob } = town();
  const held = await ann.claim("src");
  await ann.release("src");
  await bob.claim("src");
  await held[Symbol.asyncDispose]();
  expect((await ann.claims.list()).map(({ session_id }) => session_id)).toEqual(["bob"]);
});

test("tasks.next waits until a task is ready", async () => {
  const { ann, bob } = town();
  const next = bob.tasks.next({ waitMs: 60_000 });
  await ann.tasks.add("parse");
  expect(await next).toMatchObject({ title: "parse", owner: { session_id: "bob" } });
  expect(await bob.tasks.next({ waitMs: 1 })).toBeUndefined();
});

test("tasks.next waits until what a task comes after is done", async () => {
  const { ann, bob } = town();
  const { id } = await ann.tasks.add("parse");
  await ann.tasks.claim(id);
  await ann.tasks.add("print", { dependsOn: [id] });
  const next = bob.tasks.next({ waitMs: 60_000 });
  await ann.tasks.done(id);
  expect(await next).toMatchObject({ title: "print" });
});

test("a signal ends each wait by its reason, and so does the close", async () => {
  const waits: ((relay: Relay, signal?: AbortSignal) => Promise<unknown>)[] = [
    (bob, signal) => bob.tasks.next({ waitMs: 60_000, signal }),
    (bob, signal) => bob.claim("src", { waitMs: 60_000, signal }),
    (bob, signal) => bob.wait({ message: true }, { signal }),
    (bob, signal) => bob.inbox({ signal, patienceMs: 60_000 }),
  ];
  for (const wait of waits) {
    const { ann, bob } = town();
    await ann.claim("src");
    await ann.send("hello", { to: "bob" }).catch(() => ann.send("hello", { to: "bob", keep: true }));
    let goOn = () => {};
    const isShown = new Promise<void>((shown) => {
      const other = new Relay(bob.dir, { session: "bob", agent: "claude", durability: "process" });
      void other.inbox({
        show: async () => {
          shown();
          await new Promise<void>((resolve) => {
            goOn = resolve;
          });
          return [];
        },
      });
    });
    await isShown; // another reader has the lease
    const end = new AbortController();
    const ended = expect(wait(bob, end.signal)).rejects.toThrow("enough");
    end.abort(new Error("enough"));
    await ended;
    const closed = expect(wait(bob)).rejects.toThrow("it is closed");
    await bob.close();
    await closed;
    goOn();
  }
});

test.each([
  ["send", (relay: Relay) => relay.send("x", { too: "nobody" } as object)],
  ["inbox", (relay: Relay) => relay.inbox({ patience: 5 } as object)],
  ["claim", (relay: Relay) => relay.claim("src", { ttl: 5 } as object)],
  ["wait", (relay: Relay) => relay.wait({ message: true, reply_to: "m" } as object)],
  ["tasks.add", (relay: Relay) => relay.tasks.add("x", { depends_on: [] } as object)],
  ["tasks.done", (relay: Relay) => relay.tasks.done("x", { why: "" } as object)],
  ["agents.register", (relay: Relay) => relay.agents.register({ nick: "x" } as object)],
  ["messages.history", (relay: Relay) => relay.messages.history({ most: 5 } as object)],
  ["activity.list", (relay: Relay) => relay.activity.list({ from: 5 } as object)],
  ["waits.subscribe", (relay: Relay) => relay.waits.subscribe({ message: true }, { timeout: 5 } as object)],
])("an option that %s does not know went by in silence", async (_, call) => {
  await expect(call(town().ann)).rejects.toMatchObject({
    code: "usage",
    next: expect.stringContaining("the options are"),
  });
});

test("a Relay that could only fail later is refused when it is made", () => {
  expect(() => new Relay("", {})).toThrow("Cannot make a Relay in no folder");
  expect(() => new Relay(".relay", { session: "a b" })).toThrow('Cannot use "a b" as a session id');
  expect(() => new Relay(".relay", { sesion: "a" } as object)).toThrow('there is no option "sesion"');
});

test("find gives undefined for what get throws not_found for", async () => {
  const { ann } = town();
  const [agents, messages, tasks, waits] = [ann.agents, ann.messages, ann.tasks, ann.waits];
  for (const noun of [agents, messages, tasks, waits]) {
    await expect(noun.get("no-such-thing")).rejects.toMatchObject({ code: "not_found" });
    expect(await noun.find("no-such-thing")).toBeUndefined();
  }
});
