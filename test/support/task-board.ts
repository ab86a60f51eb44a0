import { expect } from "vitest";
import { Relay } from "../../src/relay.ts";
import type { Store } from "../../src/store/store.ts";
import { isOver, Task } from "../../src/tasks/task.ts";

const LEASES = 9 * 3_600_000; // ms; longer than any lease
const DAY = 25 * 3_600_000; // ms; longer than anyone takes to write a task

/** A task board by a clock the test holds, beside a naive model of it that looks at every record. */
export class Board {
  clock = Date.parse("2026-03-01T12:00:00.000Z");
  readonly store: Store;
  readonly #dir: string;
  readonly #relays = new Map<string, Relay>();

  constructor(makeStore: (now: () => number) => Store, dir = "/nowhere/.relay") {
    this.store = makeStore(() => this.clock);
    this.#dir = dir;
  }

  /** The same process each time. */
  as(session: string): Relay {
    const known = this.#relays.get(session) ?? this.fresh(session);
    this.#relays.set(session, known);
    return known;
  }

  /** A process that has just begun. */
  fresh(session: string, store = this.store): Relay {
    return new Relay(this.#dir, { session, agent: "claude", store, now: () => this.clock });
  }

  /** Every task, the oldest first. */
  async records(): Promise<Task[]> {
    const ids = (await this.store.list("tasks")).filter((id) => id.startsWith("task-"));
    return Promise.all(ids.map(async (id) => Task.parse(await this.store.get(`tasks/${id}`), id)));
  }

  async open(): Promise<Task[]> {
    return inOrder((await this.records()).filter((task) => !isOver(task)));
  }

  /** What could be taken now by `session`, which is here. */
  async ready(session = "looker"): Promise<Task[]> {
    const open = await this.open();
    const waits = new Set(open.map(({ id }) => id));
    const ready: Task[] = [];
    for (const task of open) {
      const isMet = !task.depends_on.some((id) => waits.has(id));
      if (isMet && task.state !== "blocked" && !(await this.#isHeld(task, session))) ready.push(task);
    }
    return ready;
  }

  async #isHeld({ state, owner }: Task, session: string): Promise<boolean> {
    if (state !== "in_progress" || !owner || Date.parse(owner.expires_at) <= this.clock) return false;
    const isHere = owner.session_id === session || (await this.store.get(`agents/${owner.session_id}`)) !== undefined;
    return isHere || (await this.store.get(`archive/agents/${owner.session_id}`)) === undefined;
  }

  /** A process that has just begun sees at its first look, and at its second, what the records say. */
  async expectListed(): Promise<void> {
    for (const look of ["first", "second"])
      for (const which of ["ready", "open"] as const) {
        const { tasks } = await this.fresh("looker").tasks.list({ which, limit: 1000 });
        expect(tasks.map(say), `${which}, at the ${look} look`).toEqual((await this[which]()).map(say));
      }
    for (const { title, id } of await this.open()) {
      const namesakes = (await this.open()).filter((other) => other.title.toLowerCase() === title.toLowerCase());
      const found = this.fresh("looker").tasks.get(title);
      if (namesakes.length === 1) expect((await found).id, `the title "${title}"`).toBe(id);
      else await expect(found).rejects.toThrow("Cannot tell which");
    }
  }

  /** Each session finds all that it works on, and nothing else. */
  async expectRenewed(): Promise<void> {
    const held = (await this.records()).filter(({ state }) => state === "in_progress");
    for (const session of ["ann", "bob", "cay", "dan", "gil"]) {
      const own = held.filter(({ owner }) => owner?.session_id === session).map(say);
      for (const look of ["first", "second"])
        expect((await this.fresh(session).tasks.renew()).map(say), `${session}, at the ${look} look`).toEqual(own);
    }
  }

  /** When all leases have run out, one process after the other takes the best of what is left, each once, until all is done. */
  async expectEmptied(): Promise<void> {
    this.clock += LEASES;
    const offered = new Set<string>();
    for (;;) {
      const [best] = await this.ready("worker");
      const { tasks } = this.fresh("worker");
      const got = await tasks.next();
      expect(got && say(got), "next takes the best that is left").toBe(best && say(best));
      if (got) {
        expect(offered.has(got.id), "nothing is offered twice").toBe(false);
        offered.add(got.id);
        await tasks.done(got.id);
        continue;
      }
      const blocked = (await this.open()).find(({ state }) => state === "blocked");
      if (!blocked) break;
      await tasks.unblock(blocked.id);
    }
    expect((await this.open()).map(say), "nothing waits for itself").toEqual([]);
    this.clock += DAY;
    for (const which of ["open", "ready"] as const)
      expect((await this.fresh("looker").tasks.list({ which })).tasks).toEqual([]);
    for (const folder of ["open", "ready", "unsettled", "owned/worker"])
      expect(await this.store.marks(`tasks/${folder}`), `no mark is left in ${folder}`).toEqual([]);
  }
}

function inOrder(tasks: readonly Task[]): Task[] {
  return [...tasks].sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
}

function say({ id, title, state }: Task): string {
  return `${id} ${title} (${state})`.replace(/ \((pending|in_progress)\)$/, "");
}
