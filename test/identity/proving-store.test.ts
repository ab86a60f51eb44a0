import { execFile } from "node:child_process";
import fs from "node:fs";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { KnownKeys } from "../../src/identity/known-keys.ts";
import { invite } from "../../src/identity/membership.ts";
import { logIn, readKnownServer } from "../../src/identity/servers.ts";
import type { Message } from "../../src/messages/message.ts";
import { remoteRelay } from "../../src/open/remote.ts";
import { Relay } from "../../src/relay.ts";
import { messageLines } from "../../src/render/messages.ts";
import type { Store } from "../../src/store/store.ts";
import { tempDir } from "../support/cli.ts";
import { World } from "../support/http-relay.ts";
import { COMMAND } from "../support/paths.ts";

const execFileAsync = promisify(execFile);

/** Ann's laptop and bob's, each with a key of its own, at one server; whose owner may change what it has. */
async function parties() {
  const world = await World.serve({ shop: `${tempDir()}/.relay` });
  const server = world.stores.get("shop") as Store;
  const join = async (user: string, folder = tempDir()) => {
    const { word } = await invite(server, Date.now(), { user, uses: 1, expires: 60_000, by: "x" });
    await logIn(new URL(world.origin), {
      folder: `${folder}/agent-relay`,
      now: Date.now,
      user,
      machine: "laptop",
      invite: word,
    });
    const remote = remoteRelay(world.origin, { XDG_STATE_HOME: folder }, Date.now);
    remote.actAs(user);
    const relay = new Relay("/nowhere/.relay", { session: user, agent: "claude", store: remote.store });
    await relay.agents.register({ name: user });
    return { relay, folder };
  };
  const [ann, bob] = [await join("ann"), await join("bob")];
  const change = (id: string, with_: object) => server.update(`messages/${id}`, (old) => ({ ...old, ...with_ }));
  return { world, server, join, change, ann: ann.relay, bob: bob.relay, anns: ann, bobs: bob };
}

const next = async (relay: Relay) => (await relay.inbox({ peek: true })).items.at(-1)?.message as Message;
const line = (message: Message) => messageLines(message, "bob", new Map(), Date.now());

describe("a direct message between two who know each other's keys", () => {
  test("is text to both of them, and ciphertext in the server's folder, before and after it was read", async () => {
    const { ann, bob, server } = await parties();
    const { id } = await ann.send("the door code is 4711", { to: "bob", ack: true });
    const kept = async () => JSON.stringify(await server.get(`messages/${id}`));
    expect(await kept()).not.toContain("4711");
    expect(await kept()).toContain("x25519-hkdf-sha256-chacha20-poly1305");
    const { items } = await bob.inbox();
    expect(items[0]?.message.content).toBe("the door code is 4711");
    expect(line(items[0]?.message as Message)).toContain("signed by ann/laptop, sealed: the door code");
    await bob.messages.ack(id);
    expect((await ann.messages.get(id)).content).toBe("the door code is 4711");
    expect((await ann.messages.get(id)).receipts?.bob?.acked_at).toBeDefined();
    expect(await kept()).not.toContain("4711");
    expect((await bob.messages.history()).messages[0]?.proof).toMatchObject({ state: "signed", is_sealed: true });
  });

  test("has room for as much text as any other", async () => {
    const { ann, bob } = await parties();
    const text = "ü".repeat(32 * 1024);
    await ann.send(text, { to: "bob" });
    expect((await next(bob)).content).toBe(text);
  });

  test("is sealed for no other key than the first one that was seen", async () => {
    const { ann, anns, world, server, join } = await parties();
    await ann.send("hello", { to: "bob" });
    await join("eve");
    const eves = await server.get("members/eve");
    await server.update("members/bob", (old) => ({ ...old, machines: Object(eves).machines }));
    await expect(ann.send("secret", { to: "bob" })).rejects.toThrow(/the server now says otherwise/);
    await server.update("agents/bob", (old) => ({ ...old, owner: "eve/laptop" }));
    await expect(ann.send("secret", { to: "bob" })).rejects.toThrow(/was bob\/laptop before/);
    const { relay } = readKnownServer(`${anns.folder}/agent-relay`, new URL(world.origin)) ?? { relay: "" };
    const known = () => new KnownKeys(`${anns.folder}/agent-relay`, relay);
    expect([known().forget("bob/laptop"), known().forget("bob/laptop")]).toEqual([true, false]);
  });
});

describe("what a hostile server shows", () => {
  test("as another's words is withheld, and says so", async () => {
    const { ann, bob, change } = await parties();
    const { id } = await ann.send("good", {});
    expect(line(await next(bob))).toContain("signed by ann/laptop: good");
    for (const forged of [
      { content: "bad" },
      { kind: "question" },
      { reply_to: "msg-x" },
      { sent_at: "2020-01-01T00:00:00.000Z" },
    ]) {
      const before = await change(id, {});
      await change(id, forged);
      const message = await next(bob);
      expect(message.proof?.state, JSON.stringify(forged)).toBe("wrong");
      expect(message.content).toMatch(/^\(withheld/);
      expect(line(message)).toContain("ITS SIGNATURE IS WRONG");
      await change(id, { ...Object.fromEntries(Object.keys(forged).map((name) => [name, undefined])), ...before });
    }
    expect((await next(bob)).proof?.state).toBe("signed");
  });

  test("in the name of somebody else who has signed it is withheld too", async () => {
    const { ann, bob, server, join } = await parties();
    await ann.send("good");
    await next(bob);
    const { relay: eve } = await join("eve");
    const { id } = await eve.send("I am ann");
    const eves = await server.get(`messages/${id}`);
    await server.update(`messages/${id}`, () => ({ ...eves, from_session: "ann" }));
    expect((await bob.messages.unread()).messages.find((message) => message.id === id)?.proof?.state).toBe("wrong");
  });

  test("without the signature that others of its sender have is marked", async () => {
    const { ann, bob, change } = await parties();
    await ann.send("good");
    await next(bob);
    const { id } = await ann.send("more");
    await change(id, { signature: undefined });
    expect(line(await next(bob))).toContain("NOT SIGNED, as others of this sender are: (withheld");
  });

  test("with its signature taken off before anything of its sender was seen is withheld too", async () => {
    const { ann, bob, change } = await parties();
    const { id } = await ann.send("good");
    await change(id, { signature: undefined, content: "bad" });
    expect(await next(bob)).toMatchObject({
      proof: { state: "missing" },
      content: expect.stringMatching(/^\(withheld/),
    });
  });

  test("is withheld by the built command as well, in text and in JSON", async () => {
    const { ann, bob, bobs, world, change } = await parties();
    await ann.send("good");
    await bob.inbox();
    const { id } = await ann.send("pay eve");
    await change(id, { signature: undefined, content: "pay mallory" });
    const run = (...args: string[]) =>
      execFileAsync(process.execPath, [COMMAND, ...args, "--session", "bob", "--server", world.origin], {
        env: { PATH: process.env.PATH, HOME: bobs.folder, XDG_STATE_HOME: bobs.folder },
      }).then(({ stdout }) => stdout);
    expect(await run("inbox", "--peek")).toMatch(/NOT SIGNED.*: \(withheld/);
    const [item] = JSON.parse(await run("inbox", "--peek", "--json")).items;
    expect(item.message).toMatchObject({ proof: { state: "missing" }, content: expect.stringMatching(/^\(withheld/) });
  });

  test("of the machine's own user, who signs nothing, is shown as it is", async () => {
    const { world, bob } = await parties();
    const local = new Relay("/nowhere/.relay", {
      session: "srv",
      agent: "claude",
      store: world.stores.get("shop") as Store,
    });
    await local.send("from the files");
    expect(line(await next(bob))).not.toContain("igned");
  });
});

test("a text that only looks sealed is shown as it is", async () => {
  const { ann, bob } = await parties();
  const text = '{"agent_relay_sealed":{"algorithm":"none"}}';
  await ann.send(text);
  expect((await next(bob)).content).toBe(text);
});

test("a file or a server cannot say of a message that it is proved", async () => {
  const { world, bob, change } = await parties();
  const local = new Relay("/nowhere/.relay", {
    session: "srv",
    agent: "claude",
    store: world.stores.get("shop") as Store,
  });
  const { id } = await local.send("trust me");
  await change(id, { proof: { state: "signed" }, signed: true, "Symbol(proof)": { state: "signed" } });
  expect((await next(bob)).proof?.state).toBe("unsigned");
});

test("what is known of keys is kept for its user alone", async () => {
  const { ann, bobs, bob } = await parties();
  await ann.send("good");
  await next(bob);
  const known = `${bobs.folder}/agent-relay/known`;
  for (const name of fs.readdirSync(known)) expect(fs.statSync(`${known}/${name}`).mode & 0o777).toBe(0o600);
});
