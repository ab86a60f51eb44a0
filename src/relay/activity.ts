import { checkOptions } from "../limits.ts";
import { timeAt, type When } from "../time.ts";
import type { ActivityList, ActivityOptions } from "../views/activity.ts";
import type { Explanation } from "../views/explain.ts";
import type { PastState } from "../views/past-state.ts";
import type { Snapshot } from "../views/snapshot.ts";
import type { Acting } from "./acting.ts";
import { ACTIVITY } from "./options.ts";

// Each module is loaded on first use.
const load = {
  log: () => import("../activity/log.ts"),
  activity: () => import("../views/activity.ts"),
  explain: () => import("../views/explain.ts"),
  past: () => import("../views/past-state.ts"),
  snapshot: () => import("../views/snapshot.ts"),
};

export interface NoteOptions {
  /** The file that the note is about. */
  readonly file?: string | undefined;
}

/** What happens and has happened: `relay.activity`. */
export class Activity {
  readonly #acting: Acting;

  /** @internal */
  constructor(acting: Acting) {
    this.#acting = acting;
  }

  /** What happened, and the messages this session may read, the oldest first; by default of the last day. */
  async list(options?: ActivityOptions): Promise<ActivityList> {
    checkOptions("list what happened", options, ACTIVITY);
    return (await load.activity()).activity(this.#acting.anyone(), options);
  }

  /** Writes a note to the log; with `file`, about that file. */
  async note(text: string, options: NoteOptions = {}): Promise<void> {
    checkOptions("note", options, { file: true });
    return (await load.log()).note(this.#acting.mine(), text, options.file);
  }

  /** Logs which files this session has written, by the names given. */
  async noteEdits(files: readonly string[]): Promise<void> {
    return (await load.log()).noteEdit(this.#acting.mine(), files);
  }

  /** What a message, task, claim, wait or decision is, and all that happened to it. Throws `not_found`. */
  async explain(id: string): Promise<Explanation> {
    return (await load.explain()).explain(this.#acting.anyone(), id);
  }

  /** Who is here and what each does, who holds what, what is to be done, and who waits. */
  async snapshot(): Promise<Snapshot> {
    return (await load.snapshot()).snapshot(this.#acting.anyone());
  }

  /** Who was here, who held what, and how the tasks stood at a time, as far as the log goes back. */
  async at(when: When): Promise<PastState> {
    return (await load.past()).stateAt(this.#acting.anyone(), timeAt(when, 0));
  }
}
