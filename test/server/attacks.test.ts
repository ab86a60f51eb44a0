import fs from "node:fs";
import net from "node:net";
import { describe, expect, test } from "vitest";
import { daemons } from "../../src/daemon/daemon.ts";
import { newId } from "../../src/id.ts";
import { invite, invites, remove, revoke } from "../../src/identity/membership.ts";
import { Relay } from "../../src/relay.ts";
import type { FileStore } from "../../src/store/file/file-store.ts";
import { revisionOf } from "../../src/store/http/wire.ts";
import type { Store, Value } from "../../src/store/store.ts";
import { iso } from "../../src/time.ts";
import { tempDir } from "../support/cli.ts";
import { World } from "../support/http-relay.ts";

// What a member who means ill tries, with nothing but HTTP. Alice and bob mean well.

const NOW = Date.now();
const seconds = Math.floor(NOW / 1000);
const agent = (session_id: string, more: object = {}) => ({
  ...{ session_id, agent_id: "claude", pid: 0, registered_at: seconds, last_heartbeat: seconds, metadata: {}, ...more },
});
const message = (id: string, from: string, to: string | null, more: object = {}) => ({
  ...{ id, from_session: from, from_agent: "x", to_session: to, content: "text", timestamp: seconds, read_by: [from] },
  ...more,
});
const bid = (id: string, session_id: string, path: string) => ({
  ...{ id, session_id, agent_id: "x", targets: [{ path }], mode: "exclusive" },
});
const claim = (id: string, session: string, path: string, token: number, more: object = {}) => ({
  ...bid(id, session, path),
  ...{ token, claimed_at: iso(NOW), expires_at: iso(NOW + 600_000), ttl_ms: 600_000, ...more },
});
const waiter = (id: string, session: string, path: string) => ({
  ...bid(id, session, path),
  since: iso(NOW),
  pid: 0,
  place: "",
});

/** One who asks by hand. */
class Hand {
  readonly #world: World;
  readonly #secret: string;
  readonly session: string;

  constructor(world: World, secret: string, session: string) {
    this.#world = world;
    this.#secret = secret;
    this.session = session;
  }

  as(session: string): Hand {
    return new Hand(this.#world, this.#secret, session);
  }

  async ask(method: string, path: string, body?: object | string, headers: Record<string, string> = {}) {
    const written = typeof body === "string" ? body : JSON.stringify(body);
    const init = { method, headers, ...(written !== undefined && { body: written }) };
    const response = await this.#world.fetch("here", path, this.#secret, this.session, init);
    const text = await response.text();
    return { status: response.status, text, body: text.startsWith("{") ? JSON.parse(text) : {} };
  }

  async see(key: string): Promise<Value | undefined> {
    return (await this.ask("GET", `/v1/records/${key}`)).body.value ?? undefined;
  }

  async create(key: string, value: object): Promise<number> {
    return (await this.ask("PUT", `/v1/records/${key}`, { value }, { "If-None-Match": "*" })).status;
  }

  /** Changes a record from what it sees of it. */
  async change(key: string, change: (old: Value) => object): Promise<number> {
    const old = await this.see(key);
    const match = old === undefined ? "none" : `"${revisionOf(old)}"`;
    return (await this.ask("PUT", `/v1/records/${key}`, { value: change(old ?? {}) }, { "If-Match": match })).status;
  }

  async publish(value: { id: string; to_session: string | null }, delivery?: object): Promise<number> {
    const inboxes = value.to_session === null ? [] : [value.to_session];
    return (await this.ask("POST", `/v1/published/messages/${value.id}`, { value, delivery: delivery ?? { inboxes } }))
      .status;
  }

  async mark(key: string, at?: number): Promise<number> {
    return (await this.ask("PUT", `/v1/marks/${key}`, at === undefined ? {} : { at })).status;
  }
}

async function town(options: { readonly messagesPerMinute?: number } = {}) {
  const world = await World.serve({ here: `${tempDir()}/.relay` }, undefined, options);
  const store = world.stores.get("here") as Store;
  const join = async (user: string, session = `${user}1`) => new Hand(world, await world.token("here", user), session);
  const [alice, bob, mallory] = [await join("alice"), await join("bob"), await join("mallory")];
  for (const hand of [alice, bob, mallory])
    expect(await hand.create(`agents/${hand.session}`, agent(hand.session))).toBe(201);
  const local = (session: string) => new Relay("/srv/here/.relay", { session, agent: "claude", store });
  return { world, store, join, local, alice, bob, mallory };
}

describe("who says it is another", () => {
  test("sends nothing in another's name, nor in the relay's, nor in nobody's", async () => {
    const { mallory, bob, store } = await town();
    for (const from of ["alice1", "system", ""]) {
      const id = newId("msg", NOW);
      const status = await mallory.publish(message(id, from, "bob1"));
      // What the relay would say, a member says in its own name.
      if (from === "system") expect((await bob.see(`messages/${id}`))?.from_session).toBe("mallory1");
      else expect([status, await store.get(`messages/${id}`)]).toEqual([403, undefined]);
    }
    for (const session of ["system", "human", "all", "alice1", ""]) {
      const id = newId("msg", NOW);
      expect(await mallory.as(session).publish(message(id, session, "bob1")), session).toBeGreaterThanOrEqual(400);
    }
  });

  test("takes over no session, live or ended, and no name that another is called by", async () => {
    const { mallory, alice, local, store } = await town();
    expect(await mallory.as("alice1").change("agents/alice1", (old) => ({ ...old, status: "mine" }))).toBe(403);
    expect(await mallory.change("agents/alice1", (old) => ({ ...old, owner: "mallory/x" }))).toBe(403);
    const left = local("left");
    await left.agents.register();
    await left.agents.unregister();
    expect(await mallory.as("left").create("agents/left", agent("left"))).toBe(403);
    await local("tim").agents.register({ name: "brave-otter" });
    expect(await mallory.as("brave-otter").create("agents/brave-otter", agent("brave-otter"))).toBe(403);
    expect(await mallory.change("names/brave-otter", () => ({ session_id: "mallory1", turn: "x" }))).toBe(403);
    expect(await alice.create("names/otter", { session_id: "alice1", turn: "x" })).toBe(201);
    expect(await alice.change("agents/alice1", (old) => ({ ...old, name: "otter" }))).toBe(200);
    expect(await mallory.change("agents/mallory1", (old) => ({ ...old, name: "otter" }))).toBe(403);
    expect((await store.get("agents/alice1"))?.owner).toBe("alice/script-all");
  });

  test("is not taken for another by a user and a machine that read like that one's", async () => {
    const { world, join, store } = await town();
    const victim = await join("ab", "ab-c-script-all");
    expect(await victim.create("agents/ab-c-script-all", agent("ab-c-script-all"))).toBe(201);
    expect((await store.get("agents/ab-c-script-all"))?.owner).toBe("ab/script-all");
    const other = new Hand(world, await world.token("here", "ab-c"), ""); // its own session would be called just so
    for (const path of ["/inbox", "/history"]) expect((await other.ask("GET", path)).status, path).toBe(403);
    expect((await other.ask("POST", "/messages", { content: "as ab" })).status).toBe(403);
  });

  test("is called like nobody else: not like who runs the relay, nor like a member, nor like a member's machine", async () => {
    const { mallory, bob, store } = await town();
    for (const id of ["ann", "bob", "bob-script-all"]) {
      expect(await mallory.as(id).create(`agents/${id}`, agent(id)), id).toBe(403);
      expect(await mallory.as(id).create(`archive/agents/${id}`, agent(id)), `${id} in the archive`).toBe(403);
      expect(await mallory.create(`names/${id}`, { session_id: "mallory1", turn: "x" }), `the name ${id}`).toBe(403);
    }
    expect(await bob.as("bob-script-all").create("agents/bob-script-all", agent("bob-script-all"))).toBe(201);
    expect(await mallory.as("bob2").create("agents/bob2", agent("bob2")), "a word that nobody is called by").toBe(201);
    const { word } = await invite(store, NOW, { uses: 1, expires: 60_000, by: "ann" });
    expect(word).toMatch(/^ar-invite-/);
  });

  test("was called by another session's id, and spoke as the relay itself", async () => {
    const { mallory, bob } = await town();
    expect(await mallory.create("names/bob1", { session_id: "mallory1", turn: "x" })).toBe(403);
    expect(await bob.create("names/bob1", { session_id: "bob1", turn: "x" }), "its own is its own").toBe(201);
    const id = newId("msg", NOW);
    expect(await mallory.publish({ ...message(id, "mallory1", "bob1"), from_agent: "agent-relay" } as never)).toBe(403);
    const role = "r".repeat(3000);
    expect(await mallory.change("agents/mallory1", (old) => ({ ...old, role }))).toBe(429);
    expect(await mallory.change("agents/mallory1", (old) => ({ ...old, metadata: [1] }))).toBe(400);
  });

  test("wrote a record of its daemon that the list of all of them broke on", async () => {
    const { mallory, store } = await town();
    await mallory.create("daemons/mallory1", { command: ["sh"] });
    expect(await daemons(store, NOW)).toEqual([]);
  });

  test("sends no more messages than a session may, past the library", async () => {
    const { mallory } = await town({ messagesPerMinute: 40 });
    let count = 0;
    while (count < 40 && (await mallory.publish(message(newId("msg", NOW), "mallory1", null))) === 201) count++;
    expect(count, "half of what a user may").toBeLessThan(30);
  });

  test("was called like somebody who is invited, before that one came", async () => {
    const { mallory, join, store } = await town();
    const taken = async () => [
      await mallory.as("dora").create("agents/dora", agent("dora")),
      await mallory.create("names/dora", { session_id: "mallory1", turn: "x" }),
    ];
    await invite(store, Date.now(), { user: "dora", uses: 1, expires: 60_000, by: "ann" });
    expect(await taken()).toEqual([403, 403]);
    expect(await mallory.publish(message(newId("msg", NOW), "mallory1", "dora")), "she may never come").toBe(404);
    const [first] = await invites(store, Date.now());
    await invite(store, Date.now(), { user: "dora", uses: 1, expires: 60_000, by: "ann" });
    await revoke(store, Date.now(), first?.id ?? "none");
    expect(await taken(), "she has another invitation").toEqual([403, 403]);
    for (const { id } of await invites(store, Date.now())) await revoke(store, Date.now(), id);
    await invite(store, Date.now() - 120_000, { user: "eve", uses: 1, expires: 60_000, by: "ann" });
    expect(await mallory.as("eve").create("agents/eve", agent("eve")), "not for longer than that").toBe(201);
    const dora = await join("dora", "dora");
    expect(await dora.create("agents/dora", agent("dora"))).toBe(201);
  });

  test("has no name of another user's session that has ended, and so none of its mail; what a removed user had is free", async () => {
    const { alice, mallory, bob, store } = await town();
    const named = (hand: Hand) => hand.create("names/carol", { session_id: hand.session, turn: "x" });
    expect(await named(alice)).toBe(201);
    expect(await alice.change("agents/alice1", (old) => ({ ...old, name: "carol" }))).toBe(200);
    await store.update("archive/agents/alice1", () => ({
      ...agent("alice1"),
      name: "carol",
      owner: "alice/script-all",
    }));
    await store.update("agents/alice1", () => undefined);
    const take = (hand: Hand) => hand.change("names/carol", () => ({ session_id: hand.session, turn: "y" }));
    expect(await take(mallory)).toBe(403);
    const again = alice.as("alice2");
    expect(await again.create("agents/alice2", agent("alice2"))).toBe(201);
    expect(await take(again), "another session of hers").toBe(200);
    await store.update("agents/alice2", () => undefined);
    await store.update("archive/agents/alice2", () => ({ ...agent("alice2"), owner: "alice/script-all" }));
    await remove(store, NOW, "alice");
    expect(await take(bob), "she was removed").toBe(200);
  });

  test("reads no mail that was left for a session that nobody has had: there is none", async () => {
    const { alice, mallory, store } = await town();
    const id = newId("msg", NOW);
    expect(await alice.publish(message(id, "alice1", "soon"))).toBe(404);
    expect(await store.get(`messages/${id}`)).toBeUndefined();
    expect(await alice.publish(message(id, "alice1", "bob-script-all")), "a member's own").toBe(201);
    expect((await mallory.as("bob-script-all").ask("GET", "/inbox")).status, "nor a name that is kept for a user").toBe(
      403,
    );
    expect(await mallory.as("bob-script-all").create("agents/bob-script-all", agent("bob-script-all"))).toBe(403);
  });

  test("is gone when it was removed: its sessions end, and a send to them says so", async () => {
    const { mallory, local, store } = await town();
    await store.create("claims/live", {
      token: 1,
      claims: [claim("claim-m", "mallory1", "src", 1)],
      queue: [],
      edges: [],
    });
    await remove(store, NOW, "mallory");
    await expect.poll(() => store.get("agents/mallory1")).toBeUndefined();
    expect((await store.get("archive/agents/mallory1"))?.ended_at).toBeDefined();
    expect((await mallory.ask("GET", "/inbox")).status).toBe(401);
    expect((await local("bob2").claims.check("src")).is_free).toBe(true);
  });

  test("shares no session with one who uses the files", async () => {
    const { mallory, local } = await town();
    expect(await mallory.as("tim").create("agents/tim", agent("tim"))).toBe(201);
    await expect(local("tim").agents.register()).rejects.toThrow(/a session of mallory/);
    await expect(local("tim").inbox()).rejects.toThrow(/a session of mallory/);
  });

  test("has no process of the server's machine ended or judged in its stead", async () => {
    const { mallory, store } = await town();
    const { place } = await import("../../src/machine/process.ts");
    await mallory.change("agents/mallory1", (old) => ({ ...old, pid: process.pid, pid_started: 1, place: place() }));
    expect(await store.get("agents/mallory1")).toMatchObject({ pid: 0 });
    expect((await store.get("agents/mallory1"))?.place).toBeUndefined();
  });

  test("learns nothing by which others prove who they are, nor by which a relay is known as its machine's own", async () => {
    const { world, mallory, store } = await town();
    await world.token("here", "bob", "read");
    expect(JSON.stringify(await mallory.see("members/bob"))).not.toContain("hash");
    await store.update("relay", (old) => ({ ...old, id: "relay-x", mark: "secret" }));
    expect(await mallory.see("relay")).not.toHaveProperty("mark");
    const { word } = await invite(store, NOW, { uses: 1, expires: 60_000, by: "x" });
    expect((await mallory.ask("GET", "/v1/records/invites/")).body).toEqual({ names: [] });
    expect(word).toMatch(/^ar-invite-/);
  });

  test("lets nobody in: by a token no invitation and no token is made, and none is good for who was removed", async () => {
    const { mallory, store } = await town();
    const record = {
      user: "mallory",
      uses: 1,
      added_at: iso(NOW),
      expires_at: iso(NOW + 1000),
      added_by: "mallory/script-all",
    };
    expect(await mallory.create("invites/aaaa", record)).toBe(403);
    expect(await mallory.change("members/mallory", (old) => ({ ...old, tokens: {} }))).toBe(403);
    await remove(store, NOW, "mallory");
    expect(await store.get("members/mallory")).toMatchObject({ machines: {}, tokens: {}, removed_at: iso(NOW) });
  });
});

describe("who wants to see what is others'", () => {
  test("finds neither their messages nor their lists, and nothing tells whether there are any", async () => {
    const { alice, mallory } = await town();
    const id = newId("msg", NOW);
    expect(await alice.publish(message(id, "alice1", "bob1"))).toBe(201);
    const hidden = [`records/messages/${id}`, `marks/inboxes/bob1/${id}`];
    for (const path of hidden) {
      const there = await mallory.ask("GET", `/v1/${path}`);
      const absent = await mallory.ask("GET", `/v1/${path.replace(id, newId("msg", NOW))}`);
      expect([there.status, there.text]).toEqual([absent.status, absent.text]);
    }
    for (const path of ["records/messages/", "marks/inboxes/bob1/", "marks/inboxes/bob1/open/", `marks/threads/${id}/`])
      expect((await mallory.ask("GET", `/v1/${path}`)).body.names, path).toEqual([]);
    for (const folder of ["inboxes/bob1", "messages", "hooks/bob1", "waits/bob1", "shows"])
      expect((await mallory.ask("GET", `/v1/changes/${folder}`)).status, folder).toBe(403);
    for (const change of [{ content: "mine" }, { read_by: ["alice1", "mallory1"] }])
      expect(await mallory.change(`messages/${id}`, () => message(id, "alice1", "bob1", change))).toBe(403);
    expect((await mallory.ask("GET", `/messages/${id}`)).status).toBe(404);
    expect((await mallory.ask("GET", `/threads/${id}`)).status).toBe(404);
  });

  test("is told nothing of them by a wait", async () => {
    const { alice, bob, mallory } = await town();
    const [asked, answer] = [newId("msg", NOW), newId("msg", NOW)];
    await alice.publish(message(asked, "alice1", "bob1"));
    await bob.publish(message(answer, "bob1", "alice1", { reply_to: asked, thread: asked }));
    const id = newId("wait", NOW);
    const conditions = [{ event: "reply", id: asked }];
    const wait = {
      id,
      session_id: "mallory1",
      agent_id: "x",
      any: false,
      created_at: iso(NOW),
      expires_at: iso(NOW + 50),
      conditions,
    };
    expect(await mallory.mark(`waits/pending/${id}`)).toBe(200);
    expect(await mallory.create(`waits/${id}`, { ...wait, state: "pending" })).toBe(201);
    await expect.poll(async () => (await mallory.see(`waits/${id}`))?.state).toBe("timed_out");
    expect(JSON.stringify(await mallory.see(`waits/${id}`))).not.toContain(answer);
    expect(await bob.see(`waits/${id}`)).toBeUndefined();
  });

  test("has the sender's own message back, with nothing but receipts in it that are its readers' own", async () => {
    const { alice, bob, mallory } = await town();
    const id = newId("msg", NOW);
    await alice.publish(message(id, "alice1", null));
    const receipts = { mallory1: { read_at: "x", junk: "y".repeat(100_000) } };
    expect(await mallory.change(`messages/${id}`, (old) => ({ ...old, receipts }))).toBe(403);
    expect(await mallory.change(`messages/${id}`, (old) => ({ ...old, receipts: { bob1: { read_at: "x" } } }))).toBe(
      403,
    );
    expect(await mallory.change(`messages/${id}`, (old) => ({ ...old, read_by: ["alice1", "bob1"] }))).toBe(403);
    expect(await mallory.change(`messages/${id}`, (old) => ({ ...old, withdrawn_at: "x" }))).toBe(403);
    expect(await bob.change(`messages/${id}`, (old) => ({ ...old, read_by: ["alice1", "bob1"] }))).toBe(200);
    expect(await alice.change(`messages/${id}`, (old) => ({ ...old, withdrawn_at: "x" }))).toBe(200);
  });
});

describe("who wants what others hold", () => {
  const claims = (token: number, live: object[], queue: object[] = []) => ({ token, claims: live, queue, edges: [] });

  test("takes no live claim, forges no token, and grows none past those who wait", async () => {
    const { alice, mallory, store } = await town();
    const before = claims(
      5,
      [claim("claim-a", "alice1", "db", 5), claim("claim-m", "mallory1", "x", 4)],
      [waiter("claim-b", "bob1", "db")],
    );
    await store.create("claims/live", before);
    const attempt = (live: object[], token = 6, queue = before.queue) =>
      mallory.change("claims/live", () => claims(token, live, queue));
    const [hers, mine] = before.claims as [object, object];
    expect(await attempt([mine]), "hers is gone").toBe(409);
    expect(await attempt([{ ...hers, expires_at: iso(NOW - 1) }, mine]), "hers is shorter").toBe(409);
    expect(await attempt([hers, mine, claim("claim-n", "mallory1", "db", 6)]), "the same again").toBe(409);
    expect(await attempt([hers, mine, claim("claim-n", "mallory1", "y", 5)]), "with an old token").toBe(403);
    expect(await attempt([hers, mine], 4), "the last token falls").toBe(403);
    expect(await attempt([hers, mine], 10_000), "the last token jumps").toBe(403);
    expect(await attempt([hers, mine, claim("claim-b", "mallory1", "y", 6)], 6, []), "with the id of who waits").toBe(
      403,
    );
    expect(await attempt([hers, mine], 6, []), "who waits is gone").toBe(403);
    expect(await attempt([hers, { ...mine, targets: [{ path: "x" }, { path: "z" }] }]), "more by an old token").toBe(
      403,
    );
    expect(await attempt([hers, mine, claim("claim-n", "mallory1", "y", 6, { expires_at: iso(NOW + 1e9) })])).toBe(403);
    expect(await attempt([hers, mine, claim("claim-n", "mallory1", "*a".repeat(4000), 6)]), "that takes long").toBe(
      429,
    );
    expect(await attempt([hers, mine, claim("claim-n", "mallory1", "y", 6, { reason: "r".repeat(100_000) })])).toBe(
      429,
    );
    await store.update("claims/live", () => ({
      ...before,
      claims: [claim("claim-a", "alice1", "db", 5, { expires_at: iso(NOW - 1) }), mine],
    }));
    expect(await attempt([claim("claim-n", "mallory1", "db", 6)]), "before who waits").toBeGreaterThanOrEqual(400);
    expect(await alice.see("claims/live")).toBeDefined();
  });

  test("seems to be there long after it left, and fixes nothing to a time that never comes", async () => {
    const { mallory } = await town();
    expect(await mallory.mark("agents/mallory1.seen", NOW)).toBe(200);
    expect(await mallory.mark("agents/mallory1.seen", NOW + 86_400_000)).toBe(403);
    expect(await mallory.mark("edits/abc.mallory1", Number.MAX_SAFE_INTEGER)).toBe(400);
  });

  test("fills the record that everyone's claims are in with a field of its own", async () => {
    const { mallory, store } = await town();
    await store.create("claims/live", { ...claims(1, [claim("claim-m", "mallory1", "x", 1)]), later: "kept" });
    const attempt = (more: object) => mallory.change("claims/live", (old) => ({ ...old, ...more }));
    expect(await attempt({ zzz: "r".repeat(500_000) })).toBe(403);
    expect(await attempt({ later: "changed" })).toBe(403);
    expect(await attempt({ claims: [] }), "what a later version has written stays").toBe(200);
  });

  test("makes the first record of claims with no token that nobody could follow", async () => {
    const { mallory } = await town();
    expect(await mallory.change("claims/live", () => claims(Number.MAX_SAFE_INTEGER, []))).toBe(403);
    expect(await mallory.mark("claims/token", Number.MAX_SAFE_INTEGER)).toBe(403);
  });

  test("moves no task that another works on, writes no note in its name, and forges no token of it", async () => {
    const { mallory, store } = await town();
    const owner = {
      session_id: "alice1",
      agent_id: "x",
      token: 7,
      since: iso(NOW),
      expires_at: iso(NOW + 600_000),
      ttl_ms: 600_000,
    };
    const task = {
      id: "task-1",
      title: "t",
      files: [],
      priority: 0,
      depends_on: [],
      notes: [],
      created_by: "bob1",
      created_at: iso(NOW),
      updated_at: iso(NOW),
    };
    await store.create("tasks/task-1", { ...task, state: "in_progress", owner });
    await store.create("tasks/task-2", { ...task, id: "task-2", state: "pending", token: 7 });
    const attempt = async (id: string, change: object) =>
      mallory.change(`tasks/${id}`, (old) => ({ ...old, ...change }));
    const mine = { ...owner, session_id: "mallory1", token: 8 };
    const forged: [string, object][] = [
      ["task-1", { state: "done" }],
      ["task-1", { owner: mine }],
      ["task-1", { title: "other" }],
      ["task-1", { reason: "junk" }],
      ["task-1", { token: 99 }],
      ["task-1", { created_by: "mallory1" }],
      ["task-1", { notes: [{ at: NOW, session_id: "alice1", text: "as alice" }] }],
      ["task-2", { token: undefined }],
      ["task-2", { state: "in_progress", owner: { ...mine, token: 1 } }],
      ["task-2", { state: "in_progress", owner: { ...mine, ttl_ms: 1e12, expires_at: iso(NOW + 1e12) } }],
      ["task-2", { state: "in_progress", owner: { ...mine, session_id: "bob1" } }],
    ];
    for (const [id, change] of forged)
      expect(await attempt(id, change), JSON.stringify(change)).toBeGreaterThanOrEqual(400);
    expect(await attempt("task-2", { state: "in_progress", owner: mine, token: undefined })).toBe(200);
    expect(await mallory.change("tasks/edges", () => ({ junk: 1 }))).toBeGreaterThanOrEqual(400);
  });
});

describe("who wants to break it for everyone", () => {
  test("makes no mark where a folder has to be, and no message that cannot be listed", async () => {
    const { mallory, local } = await town();
    const keys = [
      "inboxes/mallory1",
      "inboxes/mallory1/open",
      "waits/pending",
      "waits/bob1",
      "tasks/open",
      "tasks/ready",
      "threads/x",
      "pids",
      "claims",
      "agents",
    ];
    for (const key of [...keys, "__proto__", "constructor/x", "stamps/boot.x", "members/x"])
      expect(await mallory.mark(key), key).toBeGreaterThanOrEqual(400);
    for (const id of ["open", "msg-open", "all", "constructor"])
      expect(await mallory.publish(message(id, "mallory1", "bob1"))).toBe(403);
    await local("srv").send("to everyone");
    await local("srv").tasks.add("a task");
  });

  test("takes no task off the lists that its record says is open, and winds back no fencing token", async () => {
    const { mallory, local, store } = await town();
    const ann = local("ann");
    const task = await ann.tasks.add("a task", { dependsOn: [(await ann.tasks.add("before")).id] });
    const free = await ann.tasks.add("free");
    await ann.tasks.claim(free.id);
    const marks = (
      await Promise.all(
        ["tasks/open", "tasks/ready", `tasks/owned/ann`, `tasks/titles/ta-task`].map(async (folder) =>
          (await store.marks(folder)).map((name) => `${folder}/${name}`),
        ),
      )
    ).flat();
    expect(marks.length).toBeGreaterThan(4);
    for (const key of marks) await mallory.ask("DELETE", `/v1/marks/${key}`);
    const left = await ann.tasks.list();
    expect(left.tasks.map(({ title }) => title).sort()).toEqual(["a task", "before", "free"]);
    expect((await ann.tasks.next())?.title).toBe("before");
    expect((await ann.tasks.get(task.id)).state).toBe("pending");
    await ann.claim("src");
    await ann.claim("docs");
    const token = await store.markedAt("claims/token");
    expect(await mallory.mark("claims/token", 1)).toBe(403);
    expect(await store.markedAt("claims/token")).toBe(token);
  });

  test("takes no more of waits and claims than a user's share, over all its sessions", async () => {
    const { mallory, alice, store } = await town();
    await store.create("claims/live", { token: 0, claims: [], queue: [], edges: [] });
    const second = mallory.as("mallory2");
    expect(await second.create("agents/mallory2", agent("mallory2"))).toBe(201);
    const ask = async (hand: Hand, count: number, expires_at = NOW + 60_000) => {
      const id = newId("wait", NOW);
      const conditions = Array.from({ length: count }, () => ({ event: "ended", session: "alice1" }));
      const wait = { id, session_id: hand.session, agent_id: "x", any: false, state: "pending", created_at: iso(NOW) };
      const status = await hand.create(`waits/${id}`, { ...wait, conditions, expires_at });
      if (status === 201) await hand.mark(`waits/pending/${id}`);
      return status;
    };
    expect(await ask(mallory, 50, NOW + 365 * 86_400_000), "for a year").toBe(429);
    const asked: number[] = [];
    for (let turn = 0; turn < 25; turn++) asked.push(await ask(turn % 2 === 0 ? mallory : second, 50));
    expect(asked.filter((status) => status === 201)).toHaveLength(20);
    expect(await ask(alice, 50), "another's share").toBe(201);
    expect(await ask(second, 1, NOW + 60_000), "none is left").toBe(429);
    const later = await town();
    const hoarded: string[] = [];
    const hoard = async (more: object) => {
      const id = newId("wait", NOW);
      const conditions = Array.from({ length: 50 }, () => ({ event: "ended", session: "alice1" }));
      const wait = { id, session_id: "mallory1", agent_id: "x", any: false, state: "pending", created_at: iso(NOW) };
      const status = await later.mallory.create(`waits/${id}`, {
        ...wait,
        conditions,
        expires_at: iso(NOW + 60_000),
        ...more,
      });
      if (status === 201) hoarded.push(id);
    };
    for (let turn = 0; turn < 25; turn++) await hoard({});
    expect(hoarded, "such as are not listed until there are enough").toHaveLength(20);
    await hoard({ quiet: true });
    expect(await later.mallory.mark(`waits/pending/${hoarded[20]}`), "nor such as only a deadline is told of").toBe(
      403,
    );
    expect(await later.mallory.change(`waits/${hoarded[20]}`, (old) => ({ ...old, quiet: false }))).toBe(403);
    expect(await later.mallory.mark(`waits/due/${"0".repeat(9)}-${hoarded[20]}`)).toBe(200);

    const paths = Array.from({ length: 210 }, (_, at) => ({ path: `${"d".repeat(1000)}/${at}` }));
    const bulk = (hand: Hand, id: string, token: number, old: Value) => ({
      ...old,
      token,
      claims: [...(old.claims as object[]), { ...claim(id, hand.session, "x", token), targets: paths }],
    });
    expect(await mallory.change("claims/live", (old) => bulk(mallory, "claim-1", 1, old))).toBe(429);
    expect(
      await alice.change("claims/live", (old) => ({
        ...old,
        token: 1,
        claims: [claim("claim-a", "alice1", "src", 1)],
      })),
    ).toBe(200);
  });

  test("sends no more messages than a user's share, over all its sessions", async () => {
    const { mallory, alice } = await town({ messagesPerMinute: 20 });
    const second = mallory.as("mallory2");
    expect(await second.create("agents/mallory2", agent("mallory2"))).toBe(201);
    let sent = 0;
    const status = async (hand: Hand) => hand.publish(message(newId("msg", NOW), hand.session, "alice1"));
    while (sent < 40 && (await status(sent % 2 === 0 ? mallory : second)) === 201) sent++;
    expect(sent).toBeGreaterThanOrEqual(20);
    expect(sent).toBeLessThan(40);
    expect(await alice.publish(message(newId("msg", NOW), "alice1", "mallory1")), "another's share").toBe(201);
  });

  test("writes no text that is longer than those of the product", async () => {
    const { mallory } = await town();
    const task = {
      ...{ id: "task-1", title: "t", state: "pending", files: [], priority: 0, depends_on: [], notes: [] },
      ...{ created_by: "mallory1", created_at: iso(NOW), updated_at: iso(NOW) },
    };
    expect(await mallory.create("tasks/task-1", { ...task, title: "t".repeat(201) })).toBe(429);
    expect(await mallory.create("tasks/task-1", { ...task, description: "t".repeat(17_000) })).toBe(429);
    expect(await mallory.create("tasks/task-1", { ...task, title: "two\nlines" })).toBe(400);
    expect(await mallory.create("tasks/task-1", task)).toBe(201);
  });

  test("makes no folder by watching it, not even with a token that only reads", async () => {
    const { mallory, store } = await town();
    const dir = (store as FileStore).root;
    for (const folder of ["whatever", "threads/x", "tasks/owned/y", "messages/z", "drafts/d"])
      expect((await mallory.ask("GET", `/v1/changes/${folder}`)).status, folder).toBe(403);
    expect(fs.existsSync(`${dir}/whatever`) || fs.existsSync(`${dir}/threads/x`)).toBe(false);
  });

  test("writes nothing that the next reader would have to set aside", async () => {
    const { mallory, alice, store } = await town();
    await store.create("claims/live", { token: 0, claims: [], queue: [], edges: [] });
    for (const depth of [65, 300, 200_000]) {
      const body = `{"value":{"token":0,"claims":[],"queue":[],"edges":[],"x":${"[".repeat(depth)}${"]".repeat(depth)}}}`;
      const match = { "If-Match": `"${revisionOf((await alice.see("claims/live")) ?? {})}"` };
      expect((await mallory.ask("PUT", "/v1/records/claims/live", body, match)).status, String(depth)).toBe(400);
    }
    expect(await alice.see("claims/live")).toBeDefined();
  });

  test("has no wait of its own looked at that others would trip over", async () => {
    const { mallory, alice, local } = await town();
    const id = newId("wait", NOW);
    const wait = {
      id,
      session_id: "mallory1",
      agent_id: "x",
      conditions: [],
      any: false,
      created_at: iso(NOW),
      expires_at: iso(NOW),
    };
    expect(await mallory.create(`waits/${id}`, { ...wait, state: "timed_out", message: "a b/../c" })).toBe(403);
    const many = Array.from({ length: 1000 }, () => ({ event: "released", targets: [] }));
    expect(await mallory.create(`waits/${id}`, { ...wait, state: "pending", conditions: many })).toBe(429);
    await local("srv").send("hello", { to: "alice1" });
    expect((await alice.ask("GET", "/inbox")).body.items).toHaveLength(1);
  });

  test("learned of what is on the server's disk, and where its links lead, by what it claimed there", async () => {
    const { mallory } = await town();
    const disk = tempDir();
    fs.mkdirSync(`${disk}/secret/folder`, { recursive: true });
    fs.symlinkSync(`${disk}/secret`, `${disk}/link`);
    fs.symlinkSync("link-to-itself", `${disk}/link-to-itself`);
    fs.mkdirSync(`${disk}/repository/.git`, { recursive: true });
    const beside = [
      "link",
      "link/x.ts",
      "link-to-itself",
      "secret",
      "secret/folder/x",
      "nothing",
      "repository/x",
      "**/x",
    ];
    const up = "../".repeat(12);
    for (const typed of beside.flatMap((name) => [`${disk}/${name}`, `${up}${disk.slice(1)}/${name}`])) {
      const claimed = await mallory.ask("POST", "/claims", { paths: [typed] });
      expect(claimed.status, claimed.text).toBe(201);
      const plain = typed.startsWith("/") ? typed : typed.slice(up.length - 1);
      expect(claimed.body.targets).toEqual([expect.objectContaining({ path: plain })]);
      expect(claimed.body.targets[0]).not.toHaveProperty("spelled");
      expect((await mallory.ask("DELETE", "/claims", { paths: [typed] })).status).toBe(200);
    }
  });

  test("opens no stream that nobody reads, by HEAD", async () => {
    const { world, mallory } = await town();
    for (let count = 0; count < 20; count++) expect((await mallory.ask("HEAD", "/v1/changes/agents")).status).toBe(405);
    expect((await mallory.ask("GET", "/metrics")).text).toContain("agent_relay_streams 0");
    expect(world.log.filter(({ event }) => event === "bug")).toEqual([]);
  });

  test("shuts nobody out who is let in, by wrong words from the same address", async () => {
    const { world, alice } = await town();
    const statuses = new Set<number>();
    for (let count = 0; count < 60; count++)
      statuses.add((await new Hand(world, `wrong-${count}`, "x").ask("GET", "/agents")).status);
    expect([...statuses].sort()).toEqual([401, 429]);
    expect((await alice.ask("GET", "/agents")).status).toBe(200);
  });

  test("asks from a web page in vain, also from one that calls itself by the server's name", async () => {
    const { world, alice } = await town();
    for (const headers of [
      { Origin: "https://evil.example" },
      { Origin: world.origin },
      { "Sec-Fetch-Site": "cross-site" },
    ])
      expect((await alice.ask("POST", "/messages", { content: "x" }, headers)).status, JSON.stringify(headers)).toBe(
        403,
      );
    expect(await spoken(world, "GET /agents HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 421 /,
    );
    expect(
      (await alice.ask("OPTIONS", "/messages", undefined, { "Access-Control-Request-Method": "POST" })).status,
    ).toBeGreaterThanOrEqual(400);
  });

  test("sends no body that is too large, of unknown size, or in headers", async () => {
    const { world } = await town();
    const head = `POST /messages HTTP/1.1\r\nHost: 127.0.0.1:${world.port}\r\nConnection: close\r\n`;
    expect(await spoken(world, `${head}Content-Length: 2000000\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
    expect(await spoken(world, `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 411 /);
    expect(await spoken(world, `${head}X: ${"y".repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
    expect(await spoken(world, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
  });
});

/** What the server answers to bytes on a socket. */
function spoken(world: World, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = net.connect(world.port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (data) => (answer += data));
    socket.on("close", () => resolve(answer));
    socket.on("error", (error) => (answer === "" ? reject(error) : resolve(answer)));
  });
}
