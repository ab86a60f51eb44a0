import type { Agent } from "../agents/agent.ts";
import { cleanupDead } from "../agents/leave.ts";
import { AGREED, LAST_AGREED, REFUSED } from "../project/upstream.ts";
import { dayOf } from "../time.ts";
import { exchangeLog, type LogCheckpoint } from "./activity.ts";
import { type AgentProgress, type LocalSessions, leftHere, pullAgents, pushAgents, pushEnds } from "./agents.ts";
import { awaitReaders, followCollected, pullBroadcasts } from "./broadcasts.ts";
import { readCheckpoint, writeCheckpoint } from "./checkpoint.ts";
import { exchangeClaims, type Leases } from "./claims.ts";
import { exchangeDecisions } from "./decisions.ts";
import type { MessageProgress } from "./message-state.ts";
import { exchangeInbox, pushMessages } from "./messages.ts";
import { exchangeReceipts } from "./receipts.ts";
import { localContext, orNotice, type Replicas } from "./replica.ts";
import { exchangeTasks } from "./tasks.ts";
import { Tombstones } from "./tombstones.ts";

/** The parts of a relay that can be mirrored by themselves. */
const PART_NAMES = ["agents", "messages", "inboxes", "tasks", "claims", "decisions"] as const;
export type Part = (typeof PART_NAMES)[number];
export const PARTS: ReadonlySet<Part> = new Set(PART_NAMES);

/** The part that an event of the log has changed, such as `tasks` for `task.done`. */
function partOf(event: string): Part | undefined {
  const [noun] = event.split(".");
  const parts: Readonly<Record<string, Part>> = {
    ...{ agent: "agents", status: "agents", task: "tasks", claim: "claims" },
    ...{ decision: "decisions", message: "inboxes" },
  };
  return noun !== undefined && Object.hasOwn(parts, noun) ? parts[noun] : undefined;
}

const DAY_MS = 86_400_000;
const WHOLE_EVERY_MS = 600_000; // between two rounds that also look at what is older than a day

/** Keeps a relay here and one on a server the same, so that agents touch nothing but files. */
export class Mirror {
  readonly #replicas: Replicas;
  readonly #known: AgentProgress = { over: new Set() };
  readonly #progress: MessageProgress = {
    ...{ until: 0, both: new Set(), refused: new Map(), awaited: new Map() },
    ...{ renamed: new Map(), waiting: new Map(), listed: new Set(), useless: new Set() },
  };
  readonly #leases: Leases = new Map();
  readonly #seen: LogCheckpoint = new Map();
  readonly #goneHere: Tombstones;
  readonly #goneThere: Tombstones;
  #sessions: LocalSessions = { ours: new Set(), apart: new Set() };
  #wholeAt: number | undefined;
  #firstDay = "";
  #fresh: string[] = []; // keys that the server has collected, still to be removed here

  constructor(replicas: Replicas) {
    const told = new Set<string>();
    const notice = (text: string) => {
      if (!told.has(text)) replicas.notice(text);
      told.add(text);
    };
    this.#replicas = { ...replicas, notice };
    this.#goneHere = new Tombstones(replicas.local);
    this.#goneThere = new Tombstones(replicas.remote(""));
  }

  /** The sessions of ours that the server knows. */
  get ours(): ReadonlySet<string> {
    return this.#sessions.ours;
  }

  /**
   * Exchanges these parts in both directions. A round that ends anywhere can be run again: it finds what was passed on
   * already. Returns the parts in which something has happened on the server meanwhile. Throws the errors of the server
   * and of the disk.
   */
  async round(parts: ReadonlySet<Part> = PARTS): Promise<Set<Part>> {
    const replicas = this.#replicas;
    const { now } = replicas;
    const progress = this.#progress;
    await replicas.remote("").get("relay"); // throws if we are no longer let in, whatever there is to pass on
    if (this.#wholeAt === undefined) await this.#start();
    const isAll = parts.size === PARTS.size;
    const isWhole = isAll && (this.#wholeAt === undefined || now() - this.#wholeAt >= WHOLE_EVERY_MS);
    const isCollected = (key: string) => this.#goneHere.has(key) || this.#goneThere.has(key);
    const hasNow = async (key: string) => {
      await this.#readGone();
      return isCollected(key);
    };
    await this.#goneHere.read(isWhole ? "" : dayOf(now() - DAY_MS), now());
    if (isAll) await this.#followCollected();

    const left = parts.has("agents") ? await this.#agents() : [];
    const { ours } = this.#sessions;
    const isMail = parts.has("messages");
    if (isMail) await pushMessages(replicas, ours, progress, isCollected);
    const readers = [...ours, ...left.map(({ session_id }) => session_id)];
    if (isMail || parts.has("inboxes"))
      for (const session of readers)
        await orNotice(replicas, `mail of ${session}`, () => exchangeInbox(replicas, session, progress, isCollected));
    const areTasksDone =
      !parts.has("tasks") ||
      (await orNotice(replicas, "tasks", () => exchangeTasks(replicas, ours, { has: isCollected, hasNow })));
    const areClaimsDone =
      !parts.has("claims") ||
      (await orNotice(replicas, "claims", () => exchangeClaims(replicas, this.#sessions, this.#leases)));
    await pushEnds(replicas, left, this.#known);
    if (parts.has("inboxes")) await pullBroadcasts(replicas, progress, this.#goneHere, isWhole);
    await exchangeReceipts(replicas, this.#sessions, progress, isMail);
    if (parts.has("decisions")) await exchangeDecisions(replicas, ours);
    const happened = await exchangeLog(replicas, this.#seen, isCollected, isWhole);
    await localContext(replicas).settle();
    if (areTasksDone && areClaimsDone) for (const mark of [AGREED, LAST_AGREED]) await replicas.local.mark(mark, now());
    if (isAll) await writeCheckpoint(replicas, { at: now(), days: this.#seen, leases: this.#leases });
    if (isWhole) this.#wholeAt = now();
    return new Set([...happened].map(partOf).filter((part) => part !== undefined));
  }

  async #agents(): Promise<Agent[]> {
    const replicas = this.#replicas;
    await cleanupDead(localContext(replicas));
    this.#sessions = await pushAgents(replicas, this.#known);
    const left = await leftHere(replicas, this.#known);
    await pullAgents(replicas);
    return left;
  }

  async #readGone(): Promise<void> {
    const time = this.#replicas.now();
    this.#fresh.push(...(await this.#goneThere.read(this.#firstDay, time)));
    this.#firstDay = dayOf(time - 2 * DAY_MS);
  }

  async #followCollected(): Promise<void> {
    await this.#readGone();
    await followCollected(this.#replicas, this.#fresh.splice(0));
  }

  /** Goes on from the checkpoint of the last mirror of these two relays. */
  async #start(): Promise<void> {
    const { at, days, leases } = await readCheckpoint(this.#replicas);
    this.#firstDay = at === 0 ? "" : dayOf(at - 2 * DAY_MS);
    for (const [day, read] of days) this.#seen.set(day, read);
    for (const [id, until] of leases) this.#leases.set(id, until);
    for (const id of await this.#replicas.local.marks(REFUSED)) this.#progress.refused.set(id, 0);
    await awaitReaders(this.#replicas, this.#progress);
  }
}
