import { randomInt } from "node:crypto";
import { RelayError } from "../errors.ts";
import { AGREED } from "../project/upstream.ts";
import type { Store } from "../store/store.ts";
import { sleep, steady } from "../time.ts";
import type { Replicas } from "./replica.ts";
import { type Mirror, PARTS, type Part } from "./round.ts";

const ROUND_EVERY_MS = 60_000; // between two rounds of all parts, whether or not a change was heard
const TOGETHER = 10; // ms; the changes of this time share one round
const RETRY_MS = { first: 500, longest: 30_000 }; // until a server that cannot be reached is asked again

/** The local folders to watch, each with the part that it belongs to. */
const FOLDERS: readonly (readonly [folder: string, part: Part])[] = [
  ["agents", "agents"],
  ["messages", "messages"],
  ["tasks", "tasks"],
  ["claims", "claims"],
  ["decisions", "decisions"],
];

export interface MirrorDeps {
  readonly mirror: Mirror;
  readonly replicas: Replicas;
  readonly signal: AbortSignal;
  /** A stamp that differs once a folder here has changed: a hint may come without a change. */
  readonly stampOf: (folder: string) => string;
  /** Called when both sides agree, for the first time or again. */
  readonly onAgreed: () => void;
  /** Called when the rounds begin to fail; the mirror keeps trying. */
  readonly onLost: (error: RelayError) => void;
}

/** Mirrors until `signal` aborts. Throws what another try would not mend, such as `refused`. */
export async function keepMirroring(deps: MirrorDeps): Promise<void> {
  const listener = new ChangeListener(deps);
  try {
    await keepOn(deps, listener);
  } finally {
    listener.end();
  }
}

async function keepOn(
  { mirror, replicas, signal, onAgreed, onLost }: MirrorDeps,
  listener: ChangeListener,
): Promise<void> {
  let failed = 0;
  let isAgreed = false;
  let parts: ReadonlySet<Part> = PARTS;
  while (!signal.aborted) {
    try {
      const more = await mirror.round(parts);
      if (failed > 0) listener.listenAnew();
      failed = 0;
      if (!isAgreed) onAgreed();
      isAgreed = true;
      listener.listenTo(mirror.ours);
      parts = more.size > 0 ? more : await listener.heard();
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (failed++ === 0) {
        await replicas.local.unmark(AGREED); // so that claims here wait for no answer
        onLost(error);
      }
      isAgreed = false;
      parts = PARTS;
      const most = Math.min(RETRY_MS.longest, RETRY_MS.first * 2 ** failed);
      await sleep(randomInt(most / 2, most), signal);
    }
  }
}

/** Whether another try may succeed. */
function isPassing(error: unknown): error is RelayError {
  return error instanceof RelayError && ["failed", "timed_out", "conflict", "limit", "corrupt"].includes(error.code);
}

/** Watches both sides for changes. */
class ChangeListener {
  readonly #deps: MirrorDeps;
  readonly #streams = new Map<string, AbortController>(); // by folder
  readonly #stamps = new Map<string, string>();
  #parts = new Set<Part>();
  #isRung = false;
  #allAt = steady() + ROUND_EVERY_MS;
  #wake: () => void = () => {};

  constructor(deps: MirrorDeps) {
    this.#deps = deps;
    this.listenAnew();
  }

  /** Opens every stream anew, so that none goes on with the long pauses of a stream that was broken for long. */
  listenAnew(): void {
    this.end();
    this.#streams.clear();
    const { local, remote } = this.#deps.replicas;
    for (const [folder, part] of FOLDERS)
      this.#listen(local, folder, () => this.#hasChanged(folder) && this.#hear(part));
    this.#listen(local, "activity", () => this.#hasChanged("activity") && this.#hear());
    const any = remote("");
    this.#listen(any, "activity", () => this.#hear(), "there/activity");
    this.#listen(any, "inboxes/all", () => this.#hear("inboxes"));
  }

  /** Watches the server's inboxes of these sessions too, and of no others. */
  listenTo(sessions: ReadonlySet<string>): void {
    const folders = new Map([...sessions].map((session) => [`inboxes/${session}`, session]));
    for (const [folder, stream] of this.#streams)
      if (folder.startsWith("inboxes/") && folder !== "inboxes/all" && !folders.has(folder)) {
        stream.abort();
        this.#streams.delete(folder);
      }
    for (const [folder, session] of folders)
      if (!this.#streams.has(folder))
        this.#listen(this.#deps.replicas.remote(session), folder, () => this.#hear("inboxes"));
  }

  /** Waits for a change. Returns the parts that changed, or all parts if their last round was ROUND_EVERY_MS ago. */
  async heard(): Promise<ReadonlySet<Part>> {
    const { signal } = this.#deps;
    if (!this.#isRung) {
      const silent = new AbortController();
      this.#wake = () => silent.abort();
      signal.addEventListener("abort", this.#wake);
      if (signal.aborted) this.#wake(); // the signal aborted in the middle of a round
      await sleep(Math.max(0, this.#allAt - steady()), silent.signal);
      signal.removeEventListener("abort", this.#wake);
      await sleep(TOGETHER, signal);
    }
    this.#isRung = false;
    const heard = this.#parts;
    this.#parts = new Set();
    if (steady() < this.#allAt) return heard;
    this.#allAt = steady() + ROUND_EVERY_MS;
    return PARTS;
  }

  end(): void {
    for (const stream of this.#streams.values()) stream.abort();
  }

  #hear(part?: Part): void {
    if (part) this.#parts.add(part);
    this.#isRung = true;
    this.#wake();
  }

  #hasChanged(folder: string): boolean {
    const stamp = this.#deps.stampOf(folder);
    const isChanged = this.#stamps.get(folder) !== stamp;
    this.#stamps.set(folder, stamp);
    return isChanged;
  }

  /** Watches one folder. A folder that cannot be watched is still part of the rounds of all parts. */
  #listen(store: Store, folder: string, heard: () => void, name = folder): void {
    const stream = new AbortController();
    this.#streams.set(name, stream);
    const listen = async () => {
      for await (const hint of store.watch(folder, stream.signal)) if (hint === "changed") heard();
    };
    listen().catch((error: unknown) => {
      if (!(error instanceof RelayError)) throw error;
    });
  }
}
