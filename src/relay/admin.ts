import type { Agent } from "../agents/agent.ts";
import { cleanupDead } from "../agents/leave.ts";
import { cleanupOld } from "../messages/retention.ts";
import { isTrusted, trust } from "../project/trust.ts";
import type { Dump } from "../upkeep/dump.ts";
import type { RemovedThing, Retention } from "../upkeep/gc.ts";
import type { Acting } from "./acting.ts";

// Each module is loaded on first use.
const load = {
  dump: () => import("../upkeep/dump.ts"),
  gc: () => import("../upkeep/gc.ts"),
  lifecycle: () => import("../upkeep/lifecycle.ts"),
};

/** The upkeep of a relay: `relay.admin`. */
export class Admin {
  readonly #acting: Acting;

  /** @internal */
  constructor(acting: Acting) {
    this.#acting = acting;
  }

  /** Everything in the relay, as plain data. */
  async dump(): Promise<Dump> {
    return (await load.dump()).dump(this.#acting.anyone());
  }

  /** What `gc` would remove; removes nothing. */
  async gcPlan(retention?: Retention): Promise<RemovedThing[]> {
    return (await load.gc()).gcPlan(this.#acting.anyone(), retention);
  }

  /** Removes what is no longer kept; never unread mail, live claims, open tasks or decisions. */
  async gc(retention?: Retention): Promise<RemovedThing[]> {
    return (await load.gc()).gc(this.#acting.anyone(), retention);
  }

  /** Ends every registration whose process is known to be dead. Returns those. */
  async cleanupDead(): Promise<Agent[]> {
    const gone = await cleanupDead(this.#acting.anyone());
    await this.#acting.anyone().settle();
    return gone;
  }

  /** Removes messages older than `maxAgeMs`, except those still to be read or answered. Returns how many. */
  async cleanupOld(maxAgeMs: number): Promise<number> {
    return cleanupOld(this.#acting.anyone(), maxAgeMs);
  }

  /** Ends every session, gives back every claim, and lets nobody new register. Returns the sessions. */
  async finish(): Promise<string[]> {
    return (await load.lifecycle()).finish(this.#acting.anyone("somebody"));
  }

  /** Lets sessions register again. False if it was not finished. */
  async reopen(): Promise<boolean> {
    return (await load.lifecycle()).reopen(this.#acting.anyone());
  }

  /** Whether this machine and user made the relay, or a person here has trusted it. */
  async isTrusted(): Promise<boolean> {
    return isTrusted(this.#acting.anyone().store);
  }

  /** Says that what is in this relay may be put before a model. For a person to decide. */
  async trust(): Promise<void> {
    const { store, now } = this.#acting.anyone();
    return trust(store, now);
  }
}
