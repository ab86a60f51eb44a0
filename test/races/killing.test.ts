import fs from "node:fs";
import { expect, test } from "vitest";
import { FileStore, Relay } from "../../src/index.ts";
import type { Hint } from "../../src/store/store.ts";
import { isWhole, rounds } from "../support/scale.ts";
import { listed, newRelayDir, start } from "./workers.ts";

test.each([{ to: "reader" }, { to: "all" }])(
  "a sender to $to that is killed before its message can be read leaves no phantom unread",
  async ({ to }) => {
    const { dir, reader } = await relayWithDeadSender(to);
    expect(listed(`${dir}/inboxes/reader`).length, "it was listed").toBe(1);
    expect(fs.readdirSync(`${dir}/messages`)).toEqual([]);

    expect(await reader.messages.unreadCount()).toBe(0);
    expect(await reader.inbox()).toEqual({ items: [], more: 0, open_more: 0 });
    const late = new Relay(dir, { session: "late" });
    await late.agents.register();
    expect(await late.messages.unreadCount()).toBe(0);

    const later = new Relay(dir, { session: "reader", now: () => Date.now() + 3_600_000 });
    await later.admin.cleanupOld(86_400_000); // takes away the draft of a sender that will not come back
    expect(fs.readdirSync(`${dir}/drafts`)).toEqual([]);
    expect(await later.messages.unreadCount()).toBe(0);
    expect(listed(`${dir}/inboxes/reader`), "its owner's look took it off the list").toEqual([]);
  },
);

test("a message that never comes does not keep a watch busy", async () => {
  const { dir } = await relayWithDeadSender("reader");
  const end = new AbortController();
  const store = new WatchedStore(dir, end);
  for await (const _ of new Relay(dir, { session: "reader", store }).watch({ signal: end.signal }))
    expect.unreachable();
  expect(store.leases, "shows that were begun").toBeLessThanOrEqual(store.wakes);
});

/** Ends the watch when the slow poll wakes it, or when it has begun 20 shows. */
class WatchedStore extends FileStore {
  wakes = 0;
  leases = 0;
  readonly #end: AbortController;

  constructor(dir: string, end: AbortController) {
    super(dir);
    this.#end = end;
  }

  override async create(...args: Parameters<FileStore["create"]>): Promise<boolean> {
    if (args[0].startsWith("shows/") && ++this.leases === 20) this.#end.abort();
    return super.create(...args);
  }

  override async *watch(folder: string, signal: AbortSignal): AsyncGenerator<Hint> {
    for await (const hint of super.watch(folder, signal)) {
      if (++this.wakes > 1) return this.#end.abort();
      yield hint;
    }
  }
}

async function relayWithDeadSender(to: string): Promise<{ dir: string; reader: Relay }> {
  const dir = newRelayDir();
  const reader = new Relay(dir, { session: "reader" });
  await reader.agents.register();
  const sender = await start("dying.mjs", { dir });
  await sender.ask("register");
  await expect(sender.ask("send", { to })).rejects.toThrow("ended before it answered");
  return { dir, reader };
}

interface Show {
  readonly ids: readonly string[];
  /** False: its reader was killed between showing and marking. */
  isMarked: boolean;
}

const LIVES = rounds(50); // of each of three senders and a reader

test(`${4 * LIVES} kills at random moments lose nothing that was acknowledged, and double nothing that was marked`, async () => {
  const dir = newRelayDir();
  const reader = new Relay(dir, { session: "reader", durability: "process" });
  await reader.agents.register();
  const acknowledged: string[] = [];
  const shows: Show[] = [];

  const send = (note: unknown) => void acknowledged.push(String(note));
  const read = () => {
    let last: Show | undefined;
    return (note: unknown) => {
      const ids = note as string[];
      if (last && ids.length === 0) last.isMarked = true;
      if (ids.length === 0) return;
      last = { ids, isMarked: false };
      shows.push(last);
    };
  };
  await Promise.all([
    ...[1, 2, 3].map((n) => liveAndDie({ dir, session: `sender-${n}` }, "send", () => send)),
    liveAndDie({ dir, session: "reader" }, "read", read),
  ]);

  for (let isEmpty = false; !isEmpty; ) {
    const { items } = await reader.inbox({ limit: 1000 });
    shows.push({ ids: items.map(({ message }) => message.id), isMarked: true });
    isEmpty = items.length === 0;
  }
  const times = new Map<string, number>();
  for (const id of shows.flatMap((show) => show.ids)) times.set(id, (times.get(id) ?? 0) + 1);
  const lost = acknowledged.filter((id) => !times.has(id));
  const excused = new Set(shows.filter((show) => !show.isMarked).flatMap((show) => show.ids));
  const doubled = [...times].filter(([id, count]) => count > 1 && !excused.has(id));

  console.log(
    `${4 * LIVES} kills: ${acknowledged.length} acknowledged, ${times.size} shown, ${excused.size} shown by a reader that was killed before it marked them`,
  );
  expect(acknowledged.length).toBeGreaterThan(isWhole ? 200 : LIVES);
  expect(failures, "what a worker that was not killed had to give up").toEqual([]);
  expect(lost, "acknowledged and never shown").toEqual([]);
  expect(doubled, "shown again after they were marked").toEqual([]);
  expect(fs.existsSync(`${dir}/quarantine`), "nothing half-written was ever met").toBe(false);
  expect(await reader.messages.unreadCount()).toBe(0);
});

const failures: string[] = [];

/** Starts a looping worker again and again, and kills each at a random moment, or just after it has said something. */
async function liveAndDie(args: object, verb: string, newListener: () => (note: unknown) => void): Promise<void> {
  for (let life = 0; life < LIVES; life++) {
    const listen = newListener();
    let words = life % 2 === 0 ? Number.POSITIVE_INFINITY : 1 + Math.random() * 6;
    const worker = await start("looping.mjs", args, {
      onNote(note) {
        listen(note);
        if (--words < 0) worker.signal("SIGKILL");
      },
    });
    // It never answers: it is killed, or what it does fails.
    const over = worker.ask(verb).catch((error: unknown) => {
      if (!String(error).includes("ended before it answered")) failures.push(`${verb}: ${error}`);
    });
    // A sender that is to say something is given its time, however busy the machine is.
    const isAwaited = verb === "send" && words < Number.POSITIVE_INFINITY;
    const timer = new Promise((resolve) => setTimeout(resolve, Math.random() * 150));
    await Promise.race([worker.ended, isAwaited ? over : timer]);
    await worker.kill();
  }
}
