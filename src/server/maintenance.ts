import { endSessionsOf } from "../agents/leave.ts";
import { keepClaims } from "../claims/ledger.ts";
import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { removedOwners } from "../identity/membership.ts";
import { tellSenderOfBroken } from "../messages/broken.ts";
import { relistAfterBoot, scanForForeign } from "../messages/discover.ts";
import { makeContext } from "../open/make-context.ts";
import { folderOf, nameOf, type Store } from "../store/store.ts";
import { reindexAfterBoot as bootLookAtTasks, tellOfBrokenTask } from "../tasks/indexes.ts";
import { steady } from "../time.ts";
import { forgetOld } from "./expiry.ts";

const SCAN_EVERY_MS = 5000; // between scans that no request has asked for
const SETTLE_PATIENCE_MS = 250; // that a request waits until claims and waits are settled
const EXPIRE_EVERY_MS = 3_600_000; // between two removals of notes that nobody can use any more
const SCAN_DELAY_MS = 20; // after a change, so that one scan serves many

export interface MaintenanceOptions {
  readonly store: Store;
  readonly project: string;
  readonly now: () => number;
  readonly onBug: (error: unknown) => void;
}

/**
 * Does for agents on other machines what agents on the files do in passing: lists messages that came past the relay,
 * tells of waits that are over, frees the claims of dead sessions.
 */
export class Maintenance {
  readonly context: Context;
  readonly #onBug: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  #soon: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #settling: Promise<void> | undefined;
  #forgetAt = Number.NEGATIVE_INFINITY;
  #asideAt = Number.NEGATIVE_INFINITY;
  readonly #told = new Set<string>();
  #isAsked = false;

  constructor({ store, project, now, onBug }: MaintenanceOptions) {
    this.#onBug = onBug;
    this.context = makeContext({ store, project, now, session: "nobody", agent: "agent-relay" });
    this.#timer = setInterval(() => this.#run(), SCAN_EVERY_MS);
    this.#timer.unref();
  }

  /** Settles claims and waits: what they tell is then in the inboxes. Waits SETTLE_PATIENCE_MS at most. */
  async settled(): Promise<void> {
    this.#settling ??= this.#settle().finally(() => {
      this.#settling = undefined;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, SETTLE_PATIENCE_MS);
    });
    await Promise.race([this.#settling, late]);
    clearTimeout(timer);
  }

  /** A wait or claim that is broken fails no request about others; only bugs are reported. */
  async #settle(): Promise<void> {
    for (const look of [keepClaims, settleWaits])
      try {
        await look(this.context);
      } catch (error) {
        if (!(error instanceof RelayError)) this.#onBug(error);
      }
  }

  /** Ends the sessions of users and machines that were removed. */
  async endRemoved(): Promise<void> {
    const { store } = this.context;
    const gone = await endSessionsOf(this.context, await removedOwners(store));
    if (gone.length > 0) this.soon();
  }

  /** Scans in SCAN_DELAY_MS. */
  soon(): void {
    if (this.#soon) return;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      this.#run();
    }, SCAN_DELAY_MS);
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    await this.#running;
  }

  /** Tells of messages and tasks that were set aside: those who met them elsewhere cannot. */
  async #tellOfBroken(): Promise<void> {
    if (steady() < this.#asideAt) return;
    this.#asideAt = steady() + SCAN_EVERY_MS;
    for (const { name, key } of (await this.context.store.setAside?.()) ?? []) {
      if (this.#told.has(name)) continue;
      if (folderOf(key) === "messages") await tellSenderOfBroken(this.context, nameOf(key));
      if (folderOf(key) === "tasks") await tellOfBrokenTask(this.context, nameOf(key));
      this.#told.add(name);
    }
  }

  #run(): void {
    this.#isAsked = true;
    this.#running ??= this.#look().finally(() => {
      this.#running = undefined;
    });
  }

  async #look(): Promise<void> {
    while (this.#isAsked) {
      this.#isAsked = false;
      if (steady() > this.#forgetAt) {
        this.#forgetAt = steady() + EXPIRE_EVERY_MS;
        await forgetOld(this.context.store, this.context.now()).catch((error: unknown) => {
          if (!(error instanceof RelayError)) this.#onBug(error);
        });
      }
      for (const look of [...PASSES, () => this.#tellOfBroken()])
        try {
          await look(this.context);
        } catch (error) {
          // The disk may be full, or a record broken: a request for it gets the error, and the next scan tries again.
          if (!(error instanceof RelayError)) this.#onBug(error);
        }
    }
  }
}

const PASSES: readonly ((context: Context) => Promise<unknown>)[] = [
  relistAfterBoot,
  bootLookAtTasks,
  (context) => scanForForeign(context, "due"),
  keepClaims,
  settleWaits,
];

function settleWaits(context: Context): Promise<void> {
  return context.settle();
}
