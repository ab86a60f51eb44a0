import { newNonce } from "../id.ts";
import type { Store, Value } from "../store/store.ts";

/** What was done about a message: `announced` by its beginning, `held` the agent for it, `nudged` (woke) the agent. */
type HookNote = "announced" | "held" | "nudged";

/**
 * What hooks remember of a session between their runs, as marks: the messages they announced or held the agent for,
 * and how often in a row they held it.
 */
export class HookMemory {
  readonly #store: Store;
  readonly #folder: string;
  readonly #greeting: string;

  constructor(store: Store, session: string) {
    this.#store = store;
    this.#greeting = `greetings/${session}`;
    this.#folder = `hooks/${session}`;
  }

  /** The ids of the messages that have this note. */
  async ids(what: HookNote): Promise<ReadonlySet<string>> {
    const names = await this.#store.marks(this.#folder);
    return new Set(names.filter((name) => name.startsWith(`${what}.`)).map((name) => name.slice(what.length + 1)));
  }

  async note(what: HookNote, id: string): Promise<void> {
    await this.#store.mark(`${this.#folder}/${what}.${id}`);
  }

  /** Whether this call has to greet the session: false if another call did so after `after` (Unix ms). */
  async isGreeter(now: number, after: number): Promise<boolean> {
    const mine = { at: now, by: newNonce() };
    const isRecent = (value: Value) => typeof value.at === "number" && value.at > after && value.at <= now;
    const value = await this.#store.update(this.#greeting, (old) => (old && isRecent(old) ? old : mine), {
      lasting: false,
    });
    return value?.by === mine.by;
  }

  /** How often in a row the agent was kept from stopping. */
  async holds(): Promise<number> {
    const names = await this.#store.marks(this.#folder);
    return Math.max(0, ...names.map((name) => Number(/^hold\.(\d+)$/.exec(name)?.[1] ?? 0)));
  }

  async hold(count: number): Promise<void> {
    await this.#store.mark(`${this.#folder}/hold.${count}`);
  }

  /** Sets the count of holds back to 0: the agent may stop. */
  async rest(): Promise<void> {
    for (const name of await this.#store.marks(this.#folder))
      if (name.startsWith("hold.")) await this.#store.unmark(`${this.#folder}/${name}`);
  }

  async forget(): Promise<void> {
    for (const name of await this.#store.marks(this.#folder)) await this.#store.unmark(`${this.#folder}/${name}`);
    await this.#store.update(this.#greeting, () => undefined, { lasting: false, removes: true });
  }
}
