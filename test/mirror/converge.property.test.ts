import fc from "fast-check";
import { expect, test } from "vitest";
import { RelayError } from "../../src/errors.ts";
import { noteMirrored } from "../../src/mirror/runner.ts";
import { Relay } from "../../src/relay.ts";
import { iso } from "../../src/time.ts";
import { Killed } from "../support/killable-store.ts";
import { Scene } from "../support/mirrored-machines.ts";
import { seen } from "../support/visible-state.ts";

const USERS = ["ann", "bob", "eve"];
const SESSIONS = [...USERS.map((user) => `${user}1`), "srv"];

type Deed = (relay: Relay, word: string) => Promise<unknown>;

/** What an agent may do; which it is, and with what, is drawn. */
const DEEDS: Readonly<Record<string, Deed>> = {
  tell: (relay, word) => relay.send(`all ${word}`),
  write: (relay, word) => relay.send(`one ${word}`, { to: `${USERS[word.length % 3]}1`, keep: true }),
  ask: (relay, word) =>
    relay.send(`ask ${word}`, { to: SESSIONS[word.length % 4] ?? "", kind: "question", keep: true }),
  claim: (relay, word) => relay.claim([`src/${word.length % 3}`]),
  release: (relay) => relay.claims.releaseAll(),
  add: (relay, word) => relay.tasks.add(`task ${word}`),
  take: (relay) => relay.tasks.next(),
  finish: async (relay, word) => {
    const [mine] = (await relay.tasks.list()).tasks.filter(({ owner }) => owner?.session_id === relay.session);
    if (mine) await relay.tasks.note(mine.id, word);
    if (mine && word.length % 2) await relay.tasks.done(mine.id);
  },
  edit: async (relay, word) => {
    const [first] = (await relay.tasks.list()).tasks;
    if (first)
      await relay.tasks.edit(first.id, word.length % 2 ? { title: `edited ${word}` } : { priority: word.length });
  },
  log: (relay, word) => relay.activity.note(word),
  decide: (relay, word) => relay.decisions.add(word),
  status: (relay, word) => relay.agents.setStatus(word),
  leave: (relay) => relay.agents.unregister(),
};

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      who: fc.constantFrom(...SESSIONS),
      deed: fc.constantFrom(...Object.keys(DEEDS)),
      size: fc.nat(6),
    }),
  },
  { weight: 2, arbitrary: fc.record({ reads: fc.constantFrom(...SESSIONS) }) },
  { weight: 4, arbitrary: fc.record({ passes: fc.constantFrom(...USERS), calls: fc.integer({ min: 1, max: 150 }) }) },
  { weight: 1, arbitrary: fc.record({ waits: fc.integer({ min: 1, max: 40 }) }) },
);

class Run {
  readonly scene = new Scene(USERS);
  readonly shown = new Map<string, number>();
  readonly sent = new Map<string, string>(); // of direct messages: who is to read them
  #count = 0;

  relay(session: string): Relay {
    const { scene } = this;
    const user = session.slice(0, -1);
    if (session !== "srv") return scene.as(user);
    return new Relay("/srv/.relay", { session, agent: "claude", store: scene.server, now: () => scene.now });
  }

  async begin(): Promise<void> {
    for (const { user, local } of this.scene.machines)
      await noteMirrored(local, { url: "http://x", relay: "relay-x", owner: `${user}/laptop`, since: iso(0) });
    for (const session of SESSIONS) await this.relay(session).agents.register();
  }

  async act(session: string, deed: string, size: number): Promise<void> {
    this.scene.now += 1000;
    const done = await DEEDS[deed]?.(this.relay(session), `${"x".repeat(size)}${this.#count++}`).catch(
      (error: unknown) => {
        if (!(error instanceof RelayError) || ["failed", "corrupt"].includes(error.code)) throw error;
      },
    );
    const { id, to } = Object(done);
    if (deed === "write" || deed === "ask")
      for (const reader of to ?? []) this.sent.set(id, reader.session_id ?? reader);
  }

  async read(session: string): Promise<void> {
    this.scene.now += 1000;
    for (const { message, is_new } of (await this.relay(session).inbox({ limit: 1000 })).items) {
      const key = `${session} ${message.id}`;
      if (is_new) this.shown.set(key, (this.shown.get(key) ?? 0) + 1);
    }
  }

  /** A round, which is killed before a call of its mirror. */
  async pass(user: string, calls: number): Promise<void> {
    this.scene.left = calls;
    await this.scene
      .mirror(user)
      .round()
      .catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
    this.scene.left = Number.POSITIVE_INFINITY;
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) {
      for (const session of SESSIONS) await this.read(session);
      await this.scene.rounds(2);
      this.scene.now += 90_000;
    }
    for (let round = 0; round < 3; round++) {
      this.scene.now += 3_700_000; // receipts of what was read late are asked for the less often
      await this.scene.rounds(2);
    }
  }
}

test("three machines that worked apart, with mirrors killed anywhere, come to agree with the server; each direct message is read once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const run = new Run();
      await run.begin();
      for (const each of steps) {
        if ("deed" in each) await run.act(each.who, each.deed, each.size);
        else if ("reads" in each) await run.read(each.reads);
        else if ("passes" in each) await run.pass(each.passes, each.calls);
        else run.scene.now += each.waits * 60_000;
      }
      await run.settle();
      const server = await seen(run.scene.server);
      for (const { user, local } of run.scene.machines) expect(await seen(local), user).toEqual(server);
      for (const [key, count] of run.shown) expect(count, key).toBe(1);
      for (const [id, reader] of run.sent) expect(run.shown.get(`${reader} ${id}`), `${reader} ${id}`).toBe(1);
    }),
    { numRuns: 10 },
  );
});
