import { dayOf } from "../activity.ts";
import { cleanupDead } from "../attend.ts";
import { settleWaitsIfAny } from "../wait-marks.ts";
import { exchangeClaims, type Leases } from "./claims.ts";
import { Tombstones } from "./collected.ts";
import { exchangeDecisions } from "./decisions.ts";
import { awaitReaders, followCollected, pullBroadcasts } from "./history.ts";
import { exchangeLog, type Seen } from "./log.ts";
import { exchangeInbox, exchangeReceipts, type Passed, pushMessages } from "./messages.ts";
import { readProgress, writeProgress } from "./progress.ts";
import { type Known, leftHere, pullAgents, pushAgents, pushEnds } from "./registrations.ts";
import { here, type Sides } from "./sides.ts";
import { exchangeTasks } from "./tasks.ts";

const WHOLE = 600_000; // ms between two rounds that also look at what is older than a day

/** Keeps a relay here and one on a server the same, so that agents touch nothing but files. */
export class Mirror {
  readonly #sides: Sides;
  readonly #known: Known = { over: new Set(), told: new Set() };
  readonly #passed: Passed = {
    ...{ until: 0, both: new Set(), refused: new Map(), awaited: new Map() },
    ...{ renamed: new Map(), waiting: new Map() },
  };
  readonly #leases: Leases = new Map();
  readonly #seen: Seen = new Map();
  readonly #goneHere: Tombstones;
  readonly #goneThere: Tombstones;
  #wholeAt: number | undefined;
  #firstDay = "";

  constructor(sides: Sides) {
    this.#sides = sides;
    this.#goneHere = new Tombstones(sides.local);
    this.#goneThere = new Tombstones(sides.remote(""));
  }

  /**
   * Passes on in both directions what the other side does not have. It may end anywhere, and be run again: what was passed on
   * is found to be there. Throws what the server or the disk says.
   */
  async round(): Promise<void> {
    const sides = this.#sides;
    const { now } = sides;
    const [passed, seen] = [this.#passed, this.#seen];
    if (this.#wholeAt === undefined) await this.#start();
    const isWhole = this.#wholeAt === undefined || now() - this.#wholeAt >= WHOLE;
    const isCollected = (key: string) => this.#goneHere.has(key) || this.#goneThere.has(key);
    await this.#goneHere.read(isWhole ? "" : dayOf(now() - 86_400_000), now());
    await followCollected(sides, await this.#goneThere.read(this.#firstDay, now()));

    await cleanupDead(here(sides));
    const sessions = await pushAgents(sides, this.#known);
    const { ours } = sessions;
    const left = await leftHere(sides, this.#known);
    await pullAgents(sides);
    await pushMessages(sides, ours, passed, isCollected);
    for (const session of [...ours, ...left.map(({ session_id }) => session_id)])
      await exchangeInbox(sides, session, passed);
    await exchangeTasks(sides, ours, isCollected);
    await exchangeClaims(sides, sessions, this.#leases);
    await pushEnds(sides, left, this.#known);
    await pullBroadcasts(sides, passed, this.#goneHere, isWhole);
    await exchangeReceipts(sides, passed);
    await exchangeDecisions(sides);
    await exchangeLog(sides, seen, isCollected, isWhole);
    await settleWaitsIfAny(here(sides));
    await writeProgress(sides, { until: passed.until, at: now(), days: seen });
    if (isWhole) this.#wholeAt = now();
    this.#firstDay = dayOf(now() - 2 * 86_400_000);
  }

  /** Goes on from where a mirror of these two stopped. */
  async #start(): Promise<void> {
    const { until, at, days } = await readProgress(this.#sides);
    this.#passed.until = until;
    this.#firstDay = at === 0 ? "" : dayOf(at - 2 * 86_400_000);
    for (const [day, read] of days) this.#seen.set(day, read);
    await awaitReaders(this.#sides, this.#passed);
  }
}
