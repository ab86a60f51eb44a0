import { RelayError } from "../errors.ts";
import { MAX_CLOCK_LEAD_MS } from "../id.ts";
import { LEASE_TTL_MS, MAX_NOTES, MAX_NOTES_BYTES, MAX_TASK_REASON_BYTES } from "../limits.ts";
import { nameOf, type Value } from "../store/store.ts";
import { check, checkText, checkTitle, holderOf, isOver, Task, type TaskMove } from "../tasks/task.ts";
import { jsonText } from "../text.ts";
import {
  type AccessFacts,
  type AccessRule,
  type Caller,
  checkSize,
  isSame,
  isTheirs,
  refused,
  registrationsOf,
  touched,
} from "./policy.ts";

/** A task changes by its moves, each made by a session that may make it. A remote person makes no moves for others. */
export const taskRule: AccessRule = {
  needs: (key, { old }) => [...ownersIn(key, old), ...makersIn(key, old)].flatMap(registrationsOf),
  check(caller, key, { old, next }, facts) {
    if (next === undefined) throw refused(key, "a task is removed by the server alone");
    const task = Task.parse(next, key);
    if (task.id !== nameOf(key)) throw refused(key, "it has another id");
    checkSize(key, next, MAX_RECORD_BYTES);
    checkLengths(task);
    if (old === undefined) checkNew(caller, key, task);
    else checkMoves(caller, key, Task.parse(old, key), task, facts);
  },
};

const MAX_RECORD_BYTES = 1024 * 1024; // of a task: its texts have fewer, but a byte of them may take six

/** Throws `limit` for a text that is longer than one that the product writes. */
function checkLengths({ title, description = "", reason = "", notes }: Task): void {
  checkTitle(title);
  checkText(description, "description");
  checkText(reason, "reason", MAX_TASK_REASON_BYTES);
  const size = notes.reduce((sum, note) => sum + Buffer.byteLength(note.text), 0);
  if (notes.length > MAX_NOTES || size > MAX_NOTES_BYTES)
    throw new RelayError(
      "limit",
      `Cannot note more: a task has ${MAX_NOTES} notes of ${MAX_NOTES_BYTES} bytes at most`,
    );
}

function ownersIn(key: string, record: Value | undefined): string[] {
  const owner = record === undefined ? undefined : Task.parse(record, key).owner;
  return owner ? [owner.session_id] : [];
}

function makersIn(key: string, record: Value | undefined): string[] {
  return record === undefined ? [] : [Task.parse(record, key).created_by];
}

function checkNew({ session }: Caller, key: string, task: Task): void {
  if (task.created_by !== session) throw refused(key, `it says that ${jsonText(task.created_by)} made it`);
  if (task.state !== "pending" || task.owner || task.notes.length > 0) throw refused(key, "a new task is pending");
}

const STATE = ["state", "owner", "token", "reason", "ended_at"];
/** The fields that each move changes. */
const FIELDS: Readonly<Record<TaskMove, readonly string[]>> = {
  ...{ claim: STATE, done: STATE, release: STATE, block: STATE, unblock: STATE, cancel: STATE },
  edit: ["title", "description", "files", "priority", "depends_on"],
  note: ["notes"],
};

function checkMoves(caller: Caller, key: string, old: Task, next: Task, facts: AccessFacts): void {
  const actor = { session_id: caller.session, agent_id: "" };
  const hasEnded = (session: string) =>
    !facts.records.get(`agents/${session}`) && facts.records.get(`archive/agents/${session}`) !== undefined;
  const world = { now: facts.now, isGone: hasEnded };
  const changed = touched(old, next);
  const moves = movesOf(old, next, changed);
  const odd = changed.find((field) => !["updated_at", ...moves.flatMap((move) => FIELDS[move])].includes(field));
  if (odd !== undefined) throw refused(key, `its ${odd} does not change so`);
  for (const move of moves) {
    const holder = holderOf(old, world);
    if (!holder || !isTheirs(caller, holder.session_id, facts)) check(old, move, actor, world);
    const isInvolved =
      isTheirs(caller, old.created_by, facts) || (holder && isTheirs(caller, holder.session_id, facts));
    if (move === "cancel" && !isInvolved) throw refused(key, "who made it, or works on it, cancels it");
  }
  checkOwner(caller, key, old, next, facts);
  const added = next.notes.slice(old.notes.length);
  if (!isSame(next.notes.slice(0, old.notes.length), old.notes)) throw refused(key, "notes are added, and stay");
  if (added.some(({ session_id }) => session_id !== caller.session)) throw refused(key, "a note is by who writes it");
}

const STATE_MOVES = { in_progress: "claim", done: "done", blocked: "block", cancelled: "cancel" } as const;

/** The moves that were made, by the fields that differ. */
function movesOf(old: Task, next: Task, changed: readonly string[]): TaskMove[] {
  const moves: TaskMove[] = [];
  const toPending = old.state === "blocked" ? "unblock" : "release";
  if (old.state !== next.state) moves.push(next.state === "pending" ? toPending : STATE_MOVES[next.state]);
  else if (changed.includes("owner")) moves.push("claim");
  if (["title", "description", "files", "priority", "depends_on"].some((field) => changed.includes(field)))
    moves.push("edit");
  if (changed.includes("notes")) moves.push("note");
  return moves;
}

/** Checks a new owner: it is one of the caller's own sessions, with the next fencing token after the last owner's. */
function checkOwner(caller: Caller, key: string, old: Task, next: Task, facts: AccessFacts): void {
  const { owner } = next;
  const before = Math.max(old.owner?.token ?? 0, old.token ?? 0);
  if (Math.max(owner?.token ?? 0, next.token ?? 0) < before) throw refused(key, "its last owner's token stays");
  if (next.token !== undefined && next.token !== old.token && next.token !== old.owner?.token)
    throw refused(key, "its last owner's token stays");
  if (!owner || isSame(owner, old.owner)) return;
  if (!isTheirs(caller, owner.session_id, facts) || next.state !== "in_progress" || isOver(old))
    throw refused(key, "nobody takes a task for another");
  if (
    owner.ttl_ms > LEASE_TTL_MS.max ||
    Date.parse(owner.expires_at) > facts.now + LEASE_TTL_MS.max + MAX_CLOCK_LEAD_MS
  )
    throw refused(key, "a task is taken for 8 hours at most");
  const isRenewal = old.owner?.session_id === owner.session_id && owner.token === before;
  if (!isRenewal && owner.token !== before + 1) throw refused(key, "each owner has the next token");
}
