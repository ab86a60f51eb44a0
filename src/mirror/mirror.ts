import { exchangeDecisions } from "./decisions.ts";
import { exchangeLog, type Seen } from "./log.ts";
import { exchangeInbox, type Passed, pullReceipts, pushMessages } from "./messages.ts";
import { pullAgents, pushAgents } from "./registrations.ts";
import type { Sides } from "./sides.ts";

/** Keeps a relay here and one on a server the same, so that agents touch nothing but files. */
export class Mirror {
  readonly #sides: Sides;
  readonly #passed: Passed = { until: 0, both: new Set(), awaited: new Map() };

  readonly #seen: Seen = new Map();

  constructor(sides: Sides) {
    this.#sides = sides;
  }

  /**
   * Passes on in both directions what the other side does not have. It may end anywhere, and be run again: what was passed on
   * is found to be there. Throws what the server or the disk says.
   */
  async round(): Promise<void> {
    const sides = this.#sides;
    const own = new Set((await pushAgents(sides)).map(({ session_id }) => session_id));
    await pullAgents(sides);
    await pushMessages(sides, own, this.#passed);
    for (const session of own) await exchangeInbox(sides, session);
    await pullReceipts(sides, this.#passed);
    await exchangeDecisions(sides, own);
    await exchangeLog(sides, own, this.#seen);
  }
}
