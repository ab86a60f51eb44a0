import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { loginText } from "../../src/identity/login.ts";
import { boxText, type MachineKey, machineKey } from "../../src/identity/machine-key.ts";
import { addToken, invite, invites, remove, revoke } from "../../src/identity/membership.ts";
import { noteServing, ServerCredentials, serverUrl } from "../../src/identity/servers.ts";
import type { Store } from "../../src/store/store.ts";
import { tempDir } from "../support/cli.ts";
import { World } from "../support/http-relay.ts";

const DAY = 86_400_000;

async function served(now: () => number = Date.now) {
  const world = await World.serve({ shop: `${tempDir()}/.relay` }, now);
  const store = world.stores.get("shop") as Store;
  return {
    world,
    store,
    invited: async (user?: string, uses = 1) =>
      (await invite(store, now(), { user, uses, expires: DAY, by: "ann" })).word,
  };
}

interface Attempt {
  readonly user?: string;
  readonly machine?: string;
  readonly invite?: string;
  readonly key?: MachineKey;
  /** What is signed in place of what is said. */
  readonly signed?: object;
  readonly said?: object;
}

async function post(world: World, path: string, body: object) {
  const init = { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  const response = await fetch(`${world.origin}/v1/${path}`, init);
  return { status: response.status, body: (await response.json()) as Record<string, never> };
}

/** Logs in as a client would, but for what the attempt says. */
async function login(world: World, attempt: Attempt, challenge?: object) {
  const { user = "bob", machine = "laptop", key = KEY, signed, said } = attempt;
  const { body: given } = challenge ? { body: challenge as Record<string, never> } : await post(world, "challenge", {});
  const statement = {
    ...{ relay: String(given.relay), origin: world.origin, user, machine, key: key.id },
    ...{ challenge: String(given.challenge), nonce: "n", at: Number(given.at) },
  };
  const signature = key.sign(loginText({ ...statement, ...signed }));
  const { at: _, relay: __, ...request } = statement;
  const box = { box: key.box, box_signature: key.sign(boxText(key.box)) };
  return post(world, "login", {
    ...request,
    ...box,
    signature,
    ...(attempt.invite && { invite: attempt.invite }),
    ...said,
  });
}

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "relay-login-"));
const KEY = machineKey(folder);
afterAll(() => fs.rmSync(folder, { recursive: true }));

describe("what a removed machine has made", () => {
  test("let it in again: its invitation is void, and its tokens are gone", async () => {
    const { world, store, invited } = await served();
    const first = await login(world, { invite: await invited("bob", 2) });
    expect(first.status).toBe(200);
    const by = { user: "bob", uses: 5, expires: DAY, by: "bob/laptop" };
    const { word } = await invite(store, Date.now(), by);
    const other = machineKey(fs.mkdtempSync(path.join(folder, "other-")));
    expect((await login(world, { machine: "desktop", key: other, invite: word })).status, "while it is in").toBe(200);
    const secret = await addToken(store, Date.now(), { user: "bob", name: "ci", scope: "all", by: "bob/laptop" });
    const asked = async () => (await world.fetch("shop", "/agents", secret, "bob-ci")).status;
    expect(await asked()).toBe(200);
    await remove(store, Date.now(), "bob", "laptop");
    expect((await login(world, { invite: word })).status).toBe(403);
    const third = machineKey(fs.mkdtempSync(path.join(folder, "third-")));
    expect((await login(world, { machine: "third", key: third, invite: word })).status).toBe(403);
    await vi.waitFor(async () => expect(await asked()).toBe(401));
    expect((await login(world, { machine: "desktop", key: other })).status, "another machine of the user").toBe(200);
  });

  test("an invitation is listed without the word that lets somebody in, and revoked by its id", async () => {
    const { world, store, invited } = await served();
    const word = await invited();
    const [listed] = await invites(store, Date.now());
    expect(JSON.stringify(listed)).not.toContain(word);
    expect(listed).toMatchObject({ uses: 1, added_by: "ann" });
    await revoke(store, Date.now(), (listed?.id ?? "").slice(0, 8));
    expect(await invites(store, Date.now())).toEqual([]);
    expect((await login(world, { invite: word })).status).toBe(403);
    await expect(revoke(store, Date.now(), "abc")).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("logging in", () => {
  test("needs an invitation the first time, and this machine's key from then on", async () => {
    const { world, store, invited } = await served();
    expect((await login(world, {})).status).toBe(403);
    expect((await login(world, { invite: "ar-invite-nonsense" })).status).toBe(403);
    const first = await login(world, { invite: await invited() });
    expect(first.status).toBe(200);
    expect((await login(world, {})).status).toBe(200);
    const agents = await world.fetch("shop", "/agents", String(first.body.token), "bob-1");
    expect(agents.status).toBe(200);
    expect((await login(world, { key: machineKey(tempDir()) })).status).toBe(403);
    expect(await store.list("invites")).toEqual([]);
  });

  test("keeps nothing by which somebody else could: neither invitation nor token is written down", async () => {
    const { world, store, invited } = await served();
    const word = await invited(undefined, 2);
    await login(world, { invite: word });
    const kept = JSON.stringify([
      await Promise.all((await store.list("invites")).map((name) => store.get(`invites/${name}`))),
      await store.get("members/bob"),
      await store.list("invites"),
    ]);
    expect(kept).not.toContain(word.slice(10));
  });

  test("by an open invitation is for a name that nobody has: nobody becomes another by it", async () => {
    const { world, invited } = await served();
    await login(world, { invite: await invited() });
    const eve = machineKey(tempDir());
    expect((await login(world, { key: eve, machine: "eves", invite: await invited() })).status).toBe(403);
    expect((await login(world, { key: eve, machine: "eves", invite: await invited("carol") })).status).toBe(403);
    expect((await login(world, { key: eve, machine: "eves", invite: await invited("bob") })).status).toBe(200);
    expect((await login(world, { key: machineKey(tempDir()), invite: await invited("bob") })).status).toBe(403);
  });

  test("of many with an invitation for two, two get in", async () => {
    const { world, invited } = await served();
    const word = await invited(undefined, 2);
    const tries = Array.from({ length: 8 }, (_, index) =>
      login(world, { user: `user${index}`, key: machineKey(tempDir()), invite: word }),
    );
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
  });

  test("with an invitation that has run out is refused", async () => {
    let now = Date.parse("2026-05-01T12:00:00Z");
    const { world, invited } = await served(() => now);
    const word = await invited();
    now += DAY;
    expect((await login(world, { invite: word })).status).toBe(403);
  });

  test("a challenge is good once, soon, and here", async () => {
    let now = Date.parse("2026-05-01T12:00:00Z");
    const { world, invited } = await served(() => now);
    await login(world, { invite: await invited() });
    const { body: challenge } = await post(world, "challenge", {});
    expect((await login(world, {}, challenge)).status).toBe(200);
    expect((await login(world, {}, challenge)).status, "replayed").toBe(403);
    const { body: old } = await post(world, "challenge", {});
    now += 60_001;
    expect((await login(world, {}, old)).status, "late").toBe(403);
    expect((await login(world, {}, { ...challenge, challenge: "made-up" })).status).toBe(403);
  });

  test("what is signed for another server, relay, user or machine is no login here", async () => {
    const { world, invited } = await served();
    await login(world, { invite: await invited() });
    for (const signed of [
      { origin: "http://evil.example" },
      { relay: "relay-x" },
      { user: "eve" },
      { machine: "other" },
      { at: 1 },
    ])
      expect((await login(world, { signed })).status, JSON.stringify(signed)).toBe(403);
    // A hostile server that passes our challenge on: its client signs the address that it has called.
    const relayed = await login(world, {
      signed: { origin: "http://evil.example" },
      said: { origin: "http://evil.example" },
    });
    expect([relayed.status, relayed.body]).toEqual([403, expect.objectContaining({ error: expect.anything() })]);
    expect((await login(world, { said: { box: machineKey(tempDir()).box } })).status, "another's box").toBe(403);
  });
});

test("who is removed is let in no more, its streams end with the reason, and its name stays taken", async () => {
  const { world, store, invited } = await served();
  const { body } = await login(world, { invite: await invited() });
  const token = String(body.token);
  await world.fetch("shop", "/agents", token, "bob-1", { method: "POST" });
  const stream = await world.fetch("shop", "/events", token, "bob-1");
  const ended = stream.text();
  await remove(store, Date.now(), "bob", "laptop");
  expect(await ended).toContain('event: end\ndata: {"reason":"you are no longer let in"}');
  await expect.poll(async () => (await world.fetch("shop", "/agents", token, "bob-1")).status).toBe(401);
  expect((await login(world, {})).status).toBe(403);
  expect((await login(world, { key: machineKey(tempDir()), invite: await invited() })).status).toBe(403);
});

test("who is removed comes back by no invitation of before, only by a new one to that name", async () => {
  const { world, store, invited } = await served();
  await login(world, { invite: await invited() });
  const old = await invited("bob");
  await remove(store, Date.now(), "bob");
  expect((await login(world, { machine: "back", invite: old })).status).toBe(403);
  await expect
    .poll(async () => (await login(world, { machine: "back", invite: await invited("bob") })).status)
    .toBe(200);
});

test("streams of one relay go on when somebody is let in to another one of the same server", async () => {
  const world = await World.serve({ one: `${tempDir()}/.relay`, two: `${tempDir()}/.relay` });
  const secret = await world.token("two", "bob");
  const stream = await world.fetch("two", "/events", secret, "bob-1");
  const reader = (stream.body as ReadableStream<Uint8Array>).getReader();
  await reader.read();
  const next = reader.read();
  await world.token("one", "eve");
  await world.fetch("two", "/messages", secret, "bob-2", {
    method: "POST",
    body: '{"content":"x","to":"bob-1","keep":true}',
  });
  expect(new TextDecoder().decode((await next).value)).toContain("event: message");
  expect(world.log.filter(({ event }) => event === "bug")).toEqual([]);
  await reader.cancel();
});

test("this machine's own word goes to the address that our server listens on, and to no other", async () => {
  const folder = tempDir();
  const forget = noteServing(folder, "127.0.0.1", 4800, "ar-local-x");
  const secretFor = (url: string) => new ServerCredentials(serverUrl(url), { folder, now: Date.now }).secret(false);
  expect(await secretFor("http://127.0.0.1:4800")).toBe("ar-local-x");
  for (const url of [
    "http://127.evil.example:4800",
    "http://127.0.0.1.evil.example:4800",
    "http://localhost:4800",
    "http://[::1]:4800",
    "http://127.0.0.1:4801",
  ])
    await expect(secretFor(url), url).rejects.toThrow(/not logged in|nobody listens/);
  forget();
  await expect(secretFor("http://127.0.0.1:4800")).rejects.toThrow(/not logged in|nobody listens/);
});

test("a token does what its scope says, until it runs out", async () => {
  const { world } = await served();
  const [read, send] = [await world.token("shop", "bot", "read"), await world.token("shop", "bot", "send")];
  const ask = async (secret: string, method: string, path: string, body?: object) =>
    (await world.fetch("shop", path, secret, "", { method, ...(body && { body: JSON.stringify(body) }) })).status;
  expect(await ask(read, "GET", "/agents")).toBe(200);
  expect(await ask(read, "POST", "/messages", { content: "x" })).toBe(403);
  expect(await ask(read, "PUT", "/v1/marks/agents/x.seen", {})).toBe(403);
  expect(await ask(send, "POST", "/messages", { content: "x" })).toBe(201);
  expect(await ask(send, "GET", "/agents")).toBe(403);
  expect(await ask(send, "POST", "/claims", { paths: ["x"] })).toBe(403);
});
