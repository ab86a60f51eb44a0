import { moved, type Task, type TaskActor, type TaskFacts, taken } from "../tasks/task.ts";
import { jsonText } from "../text.ts";

/** One change of a task, and the session of ours in whose name it is made. */
export interface TaskStep {
  readonly by: string;
  /** The task's new dependencies, if the step changes them. */
  readonly depends_on?: readonly string[];
  /** Throws `conflict` or `refused` if what the task has become does not allow the step. */
  readonly change: (task: Task) => Task;
}

const EDITED = ["title", "description", "files", "priority", "depends_on"] as const;

/**
 * What was done here since `base`, as steps on the server's task. Of a field that was changed on both sides, the
 * server's value stands. Pure.
 */
export function stepsOf(base: Task, mine: Task, theirs: Task, ours: ReadonlySet<string>, facts: TaskFacts): TaskStep[] {
  const actor = actorOf(base, mine, ours);
  if (actor === undefined) return [];
  return [
    ...editSteps(base, mine, theirs, actor),
    ...handOver(mine, theirs, actor, ours, facts),
    ...stateSteps(base, mine, theirs, actor, facts),
    ...noteSteps(mine, theirs, ours),
  ];
}

/** The session of ours that most likely acted: the task's owner, its owner before, its creator, or any. */
function actorOf(base: Task, mine: Task, ours: ReadonlySet<string>): TaskActor | undefined {
  const candidates = [mine.owner?.session_id, base.owner?.session_id, mine.created_by, ...ours];
  const session_id = candidates.find((each) => each !== undefined && ours.has(each));
  return session_id === undefined ? undefined : { session_id, agent_id: mine.owner?.agent_id ?? "agent" };
}

function editSteps(base: Task, mine: Task, theirs: Task, { session_id: by }: TaskActor): TaskStep[] {
  const isChanged = (a: Task, b: Task, field: (typeof EDITED)[number]) => jsonText(a[field]) !== jsonText(b[field]);
  const fields = EDITED.filter((field) => isChanged(base, mine, field) && !isChanged(base, theirs, field));
  if (fields.length === 0) return [];
  const edits = Object.fromEntries(fields.map((field) => [field, mine[field]]));
  const more = fields.includes("depends_on") ? { depends_on: mine.depends_on } : {};
  return [{ by, ...more, change: (task) => ({ ...task, ...edits, updated_at: mine.updated_at }) }];
}

/** The release of a task that one session of ours gave back here, and another has taken since. */
function handOver(mine: Task, theirs: Task, actor: TaskActor, ours: ReadonlySet<string>, facts: TaskFacts): TaskStep[] {
  const holder = theirs.state === "in_progress" ? theirs.owner : undefined;
  const isTaken = mine.state === "in_progress" || mine.state === "done";
  if (!holder || !isTaken || holder.session_id === actor.session_id || !ours.has(holder.session_id)) return [];
  return [{ by: holder.session_id, change: (task) => moved(task, "release", holder, facts) }];
}

/** The moves that lead from the server's state to the one here. */
function stateSteps(base: Task, mine: Task, theirs: Task, actor: TaskActor, facts: TaskFacts): TaskStep[] {
  const { session_id: by } = actor;
  const isSame = mine.state === base.state && isOwnerSame(mine, base);
  const isThere = mine.state === theirs.state && isOwnerSame(mine, theirs);
  if (isSame || isThere) return [];
  const take: TaskStep = {
    by,
    change: (task) => taken(task, actor, { ttl_ms: mine.owner?.ttl_ms ?? 1, claim: mine.owner?.claim }, facts),
  };
  const move = (name: Parameters<typeof moved>[1]): TaskStep => ({
    by,
    change: (task) => moved(task, name, actor, facts, mine.reason),
  });
  const isHeld = theirs.state === "in_progress" && theirs.owner?.session_id === by;
  const first = isHeld ? [] : [take];
  switch (mine.state) {
    case "in_progress":
      return mine.owner?.session_id === by ? [...unblocked(theirs, move), take] : [];
    case "done":
      return mine.owner?.session_id === by ? [...unblocked(theirs, move), ...first, move("done")] : [];
    case "cancelled":
      return [move("cancel")];
    case "blocked":
      return theirs.state === "blocked" ? [] : [move("block")];
    case "pending":
      return theirs.state === "blocked" ? [move("unblock")] : isHeld ? [move("release")] : [];
  }
}

function unblocked(theirs: Task, move: (name: "unblock") => TaskStep): TaskStep[] {
  return theirs.state === "blocked" ? [move("unblock")] : [];
}

function isOwnerSame(a: Task, b: Task): boolean {
  const said = ({ owner }: Task) => owner && [owner.session_id, owner.expires_at, owner.claim];
  return jsonText(said(a)) === jsonText(said(b));
}

/** Adds the notes that are not there, each by its author. Notes never change. */
function noteSteps(mine: Task, theirs: Task, ours: ReadonlySet<string>): TaskStep[] {
  const there = new Set(theirs.notes.map((note) => jsonText(note)));
  const missing = mine.notes.filter((note) => ours.has(note.session_id) && !there.has(jsonText(note)));
  return missing.map((note) => ({
    by: note.session_id,
    change: (task) => ({ ...task, notes: [...task.notes, note], updated_at: laterOf(task.updated_at, note.at) }),
  }));
}

function laterOf(a: string, b: string): string {
  return Date.parse(a) >= Date.parse(b) ? a : b;
}
