import { plain } from "../claims/glob.ts";
import { type ErrorBlocker, RelayError } from "../errors.ts";
import { shortId } from "../id.ts";
import { MAX_TEXT_BYTES, MAX_TITLE_BYTES } from "../limits.ts";
import { flag, integer, list, moment, object, oneOf, optional, type Schema, text } from "../schema.ts";
import { iso, localTime } from "../time.ts";

const STATES = ["pending", "in_progress", "blocked", "done", "cancelled"] as const;
/** `pending`: to be taken. `done` and `cancelled`: over. */
export type TaskState = (typeof STATES)[number];

/** The session that works on a task, and its lease. */
export type TaskOwner = {
  readonly session_id: string;
  /** Which tool that session is. */
  readonly agent_id: string;
  /** The fencing token: grows with each owner of the task. */
  readonly token: number;
  /** When it took the task. ISO 8601. */
  readonly since: string;
  /** When anyone else may take it, unless it is renewed. ISO 8601. */
  readonly expires_at: string;
  /** How long a renewal lasts, ms. */
  readonly ttl_ms: number;
  /** The id of the claim on the task's files, if they were claimed with it. */
  readonly claim?: string;
  /** The relay is mirrored to a server, which decides and has not been asked yet. */
  readonly tentative?: boolean;
};

/** @internal */
export const TaskOwner: Schema<TaskOwner> = object(
  {
    session_id: text(),
    agent_id: text(),
    token: integer(),
    since: moment(),
    expires_at: moment(),
    ttl_ms: integer(),
    claim: optional(text()),
    tentative: optional(flag()),
  },
  { ttl: "ttl_ms" },
);

/** What somebody wrote to a task, for whoever works on it. */
export type TaskNote = {
  /** ISO 8601. */
  readonly at: string;
  readonly session_id: string;
  readonly text: string;
};

/** @internal */
export const TaskNote: Schema<TaskNote> = object({ at: moment(), session_id: text(), text: text() });

/** A task as it is on disk, in `--json` and here. */
export type Task = {
  readonly id: string;
  /** One line. */
  readonly title: string;
  readonly description?: string;
  /** Path patterns as in a claim: relative to the worktree's root. */
  readonly files: readonly string[];
  /** Higher comes first. */
  readonly priority: number;
  /** Ids of tasks that must be done or cancelled before this one can be taken. */
  readonly depends_on: readonly string[];
  readonly state: TaskState;
  /** Who works on it, or has done it. */
  readonly owner?: TaskOwner;
  /** The last owner's token, of a task that is pending again. */
  readonly token?: number;
  /** Why it is blocked, or was cancelled. */
  readonly reason?: string;
  /** The oldest first. */
  readonly notes: readonly TaskNote[];
  /** The session that added it. */
  readonly created_by: string;
  /** ISO 8601. */
  readonly created_at: string;
  /** ISO 8601. */
  readonly updated_at: string;
  /** When it was done or cancelled. ISO 8601. */
  readonly ended_at?: string;
};

/** @internal */
export const Task: Schema<Task> = object({
  id: text(),
  title: text(),
  description: optional(text()),
  files: list(text()),
  priority: integer(-9999, 9999),
  depends_on: list(text()),
  state: oneOf(STATES),
  owner: optional(TaskOwner),
  token: optional(integer()),
  reason: optional(text()),
  notes: list(TaskNote),
  created_by: text(),
  created_at: moment(),
  updated_at: moment(),
  ended_at: optional(moment()),
});

/**
 * The moves of a task: from which states, to which state, and by whom. `owner`: the last owner alone. `unless held`:
 * anyone while nobody holds the task, else its holder and its creator. A person may make any move.
 */
const MOVES = {
  claim: { from: ["pending", "in_progress"], to: "in_progress", by: "anyone" },
  done: { from: ["in_progress"], to: "done", by: "owner" },
  release: { from: ["in_progress"], to: "pending", by: "owner" },
  block: { from: ["pending", "in_progress"], to: "blocked", by: "unless held" },
  unblock: { from: ["blocked"], to: "pending", by: "anyone" },
  cancel: { from: ["pending", "in_progress", "blocked"], to: "cancelled", by: "unless held" },
  edit: { from: ["pending", "in_progress", "blocked"], to: "same", by: "unless held" },
  note: { from: STATES, to: "same", by: "anyone" },
} as const satisfies Record<
  string,
  { from: readonly TaskState[]; to: TaskState | "same"; by: "anyone" | "owner" | "unless held" }
>;
export type TaskMove = keyof typeof MOVES;

const WORDS: Readonly<Record<TaskMove, string>> = {
  ...{ claim: "claim", done: "complete", release: "release", block: "block", unblock: "unblock" },
  ...{ cancel: "cancel", edit: "edit", note: "write to" },
};

/** What the rules need from outside the task's record. */
export interface TaskFacts {
  /** Unix ms. */
  readonly now: number;
  /** Whether a session has ended or its process is dead. An idle session is not gone. */
  readonly isGone: (session: string) => boolean;
  /** What a session is called; default its id. */
  readonly call?: (session: string) => string;
}

export interface TaskActor {
  readonly session_id: string;
  readonly agent_id: string;
  /** A person may also make the moves of others. */
  readonly isPerson?: boolean;
}

/** The owner who holds the task now; undefined if the lease has run out or the owner is gone. */
export function holderOf(task: Task, { now, isGone }: TaskFacts): TaskOwner | undefined {
  const { owner } = task;
  return owner && task.state === "in_progress" && Date.parse(owner.expires_at) > now && !isGone(owner.session_id)
    ? owner
    : undefined;
}

/** Whether anyone may take the task, provided that its dependencies are over. */
export function isFree(task: Task, facts: TaskFacts): boolean {
  return task.state === "pending" || (task.state === "in_progress" && !holderOf(task, facts));
}

/** The files of a task, as a person would write them. */
export function filesOf(task: Task): string[] {
  return task.files.map(plain);
}

export function isOver(task: Pick<Task, "state">): boolean {
  return task.state === "done" || task.state === "cancelled";
}

export interface TaskLease {
  readonly ttl_ms: number;
  readonly claim?: string | undefined;
  readonly tentative?: boolean;
}

/** The task as taken, or renewed, by `actor`. Throws `conflict` naming the holder. */
export function taken(task: Task, actor: TaskActor, { ttl_ms, claim, tentative }: TaskLease, facts: TaskFacts): Task {
  check(task, "claim", actor, facts);
  const { session_id, agent_id } = actor;
  const mine = isOwnedBy(task, actor) ? task.owner : undefined;
  const { token: given = 0, ...rest } = task;
  const kept = claim ?? mine?.claim;
  const owner: TaskOwner = {
    ...{ session_id, agent_id },
    token: mine?.token ?? (task.owner?.token ?? given) + 1,
    since: mine?.since ?? iso(facts.now),
    expires_at: iso(facts.now + ttl_ms),
    ttl_ms,
    ...(kept === undefined ? {} : { claim: kept }),
    ...((mine ? mine.tentative : tentative) && { tentative: true }),
  };
  return { ...rest, state: "in_progress", owner, updated_at: iso(facts.now) };
}

/** The task after any other move. Throws `conflict`, `refused`. */
export function moved(
  task: Task,
  move: Exclude<TaskMove, "claim">,
  actor: TaskActor,
  facts: TaskFacts,
  reason?: string,
): Task {
  check(task, move, actor, facts);
  const { to: state } = MOVES[move];
  if (state === "same") return { ...task, updated_at: iso(facts.now) };
  const { owner, reason: _, ended_at: __, ...rest } = task;
  return {
    ...rest,
    state,
    ...(owner && (state === "pending" ? { token: owner.token } : { owner })),
    ...(reason === undefined ? {} : { reason }),
    updated_at: iso(facts.now),
    ...(isOver({ state }) ? { ended_at: iso(facts.now) } : {}),
  };
}

/** Whether the actor is the last owner. Its lease may have run out: nobody else has taken the task since. */
function isOwnedBy({ state, owner }: Task, actor: TaskActor): boolean {
  return state === "in_progress" && owner?.session_id === actor.session_id;
}

/** Throws `conflict` if the state or, for a claim, the holder forbids the move; `refused` if it is not the actor's. */
export function check(task: Task, move: TaskMove, actor: TaskActor, facts: TaskFacts): void {
  const { from, by }: { from: readonly TaskState[]; by: string } = MOVES[move];
  if (!from.includes(task.state)) throw notFrom(task, move, facts);
  const holder = holderOf(task, facts);
  if (isOwnedBy(task, actor) || actor.isPerson) return;
  const called = holder && (facts.call?.(holder.session_id) ?? holder.session_id);
  if (move === "claim" && holder)
    throw new RelayError(
      "conflict",
      `Cannot claim "${shortId(task.id)}": ${called} has it until ${localTime(Date.parse(holder.expires_at))}`,
      { next: "agent-relay task next", details: { blockers: [blocking(task, holder, called)] } },
    );
  if (holder && by !== "anyone" && !(by === "unless held" && task.created_by === actor.session_id))
    throw new RelayError("refused", `Cannot ${WORDS[move]} "${shortId(task.id)}": ${called} works on it, not you`, {
      next: `agent-relay send --to ${called} "..."`,
      details: { blockers: [blocking(task, holder, called)] },
    });
  if (by === "owner" && !holder)
    throw new RelayError("refused", `Cannot ${WORDS[move]} "${shortId(task.id)}": nobody works on it`, {
      next: `agent-relay task claim ${shortId(task.id)}`,
    });
}

function blocking({ id }: Task, { session_id, expires_at }: TaskOwner, called = session_id): ErrorBlocker {
  return { session_id, called, what: id, how: "holds", until: expires_at };
}

function notFrom(task: Task, move: TaskMove, { call = (session) => session }: TaskFacts): RelayError {
  const says: Record<TaskState, string> = {
    pending: "nobody has claimed it",
    in_progress: "it is in progress",
    blocked: `it is blocked${task.reason === undefined ? "" : `: ${task.reason}`}`,
    done: `it is done${task.owner ? ` by ${call(task.owner.session_id)}` : ""}`,
    cancelled: "it was cancelled",
  };
  const next: Partial<Record<TaskState, string>> = {
    pending: `agent-relay task claim ${shortId(task.id)}`,
    blocked: `agent-relay task unblock ${shortId(task.id)}`,
  };
  const help = next[task.state] ?? "agent-relay task list";
  return new RelayError("conflict", `Cannot ${WORDS[move]} "${shortId(task.id)}": ${says[task.state]}`, { next: help });
}

const PRIORITY_ZERO = 10_000;

/**
 * The name of a task in an index. Names sort by priority, then age: the first is the task to do first. Only a change of
 * the priority changes the name.
 */
export function placeOf(task: Pick<Task, "id" | "priority">): string {
  return `${String(PRIORITY_ZERO - task.priority).padStart(5, "0")}-${task.id}`;
}

/** The id of the task at a place of an index; undefined for a name that is no place. */
export function idAt(place: string): string | undefined {
  return /^\d{5}-(.+)$/.exec(place)?.[1];
}

/** A cycle of dependencies, as ids each of which depends on the next; undefined if there is none through `id`. */
export function dependencyCycle(
  id: string,
  depends_on: readonly string[],
  dependenciesOf: (id: string) => readonly string[],
): string[] | undefined {
  const seen = new Set<string>();
  const stack = depends_on.map((next) => [id, next]);
  for (let path = stack.pop(); path; path = stack.pop()) {
    const at = path.at(-1) ?? id;
    if (at === id) return path;
    if (seen.has(at)) continue;
    seen.add(at);
    for (const next of dependenciesOf(at)) stack.push([...path, next]);
  }
  return undefined;
}

/** Throws `usage` for an empty title and one that is no line, `limit` for one that is too long. */
export function checkTitle(title: string): string {
  const clean = title.trim();
  if (clean === "" || /[\r\n]/.test(clean))
    throw new RelayError("usage", "Cannot name a task so: a title is one line", {
      next: 'agent-relay task add "Parse the header"',
    });
  if (Buffer.byteLength(clean) > MAX_TITLE_BYTES)
    throw new RelayError("limit", `Cannot use a title of more than ${MAX_TITLE_BYTES} bytes`, {
      next: "put the rest into --description",
    });
  return clean;
}

export function checkText(text: string, what: string, most = MAX_TEXT_BYTES): string {
  if (Buffer.byteLength(text) <= most) return text;
  throw new RelayError("limit", `Cannot use a ${what} of more than ${most} bytes`, {
    next: "write it to a file in the project and name the file",
  });
}

/** Throws `usage` for a priority that is no whole number from -9999 to 9999. */
export function checkPriority(priority: number): number {
  if (Number.isInteger(priority) && Math.abs(priority) <= 9999) return priority;
  throw new RelayError("usage", `Cannot use ${priority} as a priority: give a whole number from -9999 to 9999`);
}

/** The folder of the title index. Titles that begin alike share one, whatever their case. */
export function titleKey(title: string): string {
  const slug = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 60)
    .replace(/-+$/, "");
  return `t${slug}`;
}
