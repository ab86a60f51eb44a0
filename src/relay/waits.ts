import { checkOptions } from "../limits.ts";
import type { Wait, WaitFor } from "../waits/wait.ts";
import type { WaitOptions } from "../waits/waiting.ts";
import type { Acting } from "./acting.ts";
import { foundOr } from "./found.ts";
import { WAIT, WAIT_FOR } from "./options.ts";

const load = () => import("../waits/waiting.ts");

/** Waits that a message tells the outcome of: `relay.waits`. To wait in this process is `relay.wait`. */
export class Waits {
  readonly #acting: Acting;

  /** @internal */
  constructor(acting: Acting) {
    this.#acting = acting;
  }

  /** As `relay.wait`, but returns at once: one message tells the outcome, whichever process notices it first. */
  async subscribe(what: WaitFor, options?: WaitOptions): Promise<Wait> {
    checkOptions("wait for this", what, WAIT_FOR);
    checkOptions("subscribe", options, WAIT);
    return (await load()).subscribe(this.#acting.mine(), what, options);
  }

  /** Every session's pending waits, the oldest first. */
  async list(): Promise<Wait[]> {
    return (await load()).waits(this.#acting.anyone());
  }

  /** A wait, and what became of it, by its id or a unique beginning or end of it. Throws `not_found`. */
  async get(id: string): Promise<Wait> {
    return (await load()).waitOf(this.#acting.anyone(), id);
  }

  /** `get`, and undefined where there is none. */
  async find(id: string): Promise<Wait | undefined> {
    return foundOr(this.get(id));
  }

  /** Ends a wait of this session. Throws `not_found`, and `refused` for another's. */
  async cancel(id: string): Promise<Wait> {
    return (await load()).cancelWait(this.#acting.mine(), id);
  }
}
