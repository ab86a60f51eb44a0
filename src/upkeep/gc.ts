import { forgetCollected, noteCollected } from "../activity/tombstones.ts";
import type { Agent } from "../agents/agent.ts";
import { readAgent, registrations } from "../agents/registry.ts";
import type { Context } from "../context.ts";
import { timeOf } from "../id.ts";
import { sentAt } from "../messages/message.ts";
import { readMessage } from "../messages/records.ts";
import { MAX_DRAFT_MS, removeMessage, stillWaitedFor } from "../messages/retention.ts";
import { eachReadable, parsedOrSkipped } from "../store/read.ts";
import { nameOf } from "../store/store.ts";
import { isOver, Task } from "../tasks/task.ts";
import { Wait } from "../waits/wait.ts";
import { isOwed, removeSession, sweepTraces } from "./sessions.ts";

const DAY_MS = 86_400_000;

/** How long each kind of thing is kept, ms. Unread mail, live claims, open tasks and decisions are kept for ever. */
export interface Retention {
  /** Messages that were read, or that nobody has to read. */
  readonly messages: number;
  /** Tasks that are over. */
  readonly tasks: number;
  /** Waits that were decided. */
  readonly waits: number;
  /** Days of the log. */
  readonly activity: number;
  /** Registrations of sessions that left. */
  readonly sessions: number;
}
export const RETENTION: Retention = {
  messages: 7 * DAY_MS,
  tasks: 30 * DAY_MS,
  waits: 7 * DAY_MS,
  activity: 90 * DAY_MS,
  sessions: 30 * DAY_MS,
};

/** One thing that is no longer kept. */
export interface RemovedThing {
  readonly kind: keyof Retention;
  /** Where it is kept, such as `messages/msg-...`. */
  readonly key: string;
  /** In words. */
  readonly why: string;
}

/** What `gc` would remove, in order; removes nothing. */
export async function gcPlan(context: Context, retention: Retention = RETENTION): Promise<RemovedThing[]> {
  const { store, now } = context;
  const plan: RemovedThing[] = [];
  const old = (time: number | undefined, kind: keyof Retention) => time !== undefined && time < now() - retention[kind];
  const add = (kind: keyof Retention, key: string, why: string) => plan.push({ kind, key, why });

  const isWaited = await stillWaitedFor(context, true);
  const past = (await store.list("messages")).filter((id) => old(timeOf(id) ?? 0, "messages"));
  for await (const [id, message] of eachReadable(store, past, (each) => readMessage(store, each))) {
    if (message && old(sentAt(message), "messages") && !isWaited(message))
      add("messages", `messages/${id}`, "nobody has to read it any more");
  }
  const tasks = (await store.list("tasks")).filter((id) => id.startsWith("task-"));
  const taskIn = (id: string) => parsedOrSkipped(store, `tasks/${id}`, Task);
  const overLong: Task[] = [];
  const needed = new Set<string>(); // by a task that is not over: without its record, nobody could tell whether it is
  for await (const [, task] of eachReadable(store, tasks, taskIn)) {
    if (task && isOver(task) && old(Date.parse(task.ended_at ?? task.updated_at), "tasks")) overLong.push(task);
    else if (task && !isOver(task)) for (const id of task.depends_on) needed.add(id);
  }
  for (const { id, state } of overLong.filter((task) => !needed.has(task.id)))
    add("tasks", `tasks/${id}`, `it is ${state}`);
  const waitIn = (id: string) => parsedOrSkipped(store, `waits/${id}`, Wait);
  for await (const [id, wait] of eachReadable(store, await store.list("waits"), waitIn)) {
    if (wait && wait.state !== "pending" && wait.ended_at !== undefined && old(Date.parse(wait.ended_at), "waits"))
      add("waits", `waits/${id}`, `it is ${wait.state}`);
  }
  for (const day of await store.logs("activity"))
    if (old(Date.parse(day) + DAY_MS, "activity")) add("activity", `activity/${day}`, "it is that old");
  const here = new Set((await registrations(context)).map((agent) => agent.session_id));
  const agentIn = (id: string) => readAgent(store, "archive/agents", id);
  for await (const [id, agent] of eachReadable(store, await store.list("archive/agents"), agentIn)) {
    if (agent && !here.has(id) && !(await isOwed(context, id)) && old(lastSign(agent), "sessions"))
      add("sessions", `archive/agents/${id}`, "it left, and has no unread mail");
  }
  return plan;
}

function lastSign({ ended_at, last_heartbeat }: Agent): number {
  return ended_at === undefined ? last_heartbeat * 1000 : Date.parse(ended_at);
}

async function removeDay({ store, now }: Context, key: string): Promise<void> {
  await noteCollected(store, now(), { key });
  await store.removeLog(key);
}

async function removeTask({ store, now }: Context, key: string): Promise<void> {
  await noteCollected(store, now(), { key });
  await store.update(key, () => undefined);
}

/** Removes what a plan made now says, except a session that got mail since. Returns what was removed. */
export async function gc(context: Context, retention: Retention = RETENTION): Promise<RemovedThing[]> {
  const { store, now } = context;
  await store.sweep(now() - MAX_DRAFT_MS); // first: after it, no sender that slept can publish what the plan left out
  await context.settle(); // tells outcomes that were decided and not told yet, so that no waiter misses one
  const plan = await gcPlan(context, retention);
  const removed: RemovedThing[] = [];
  for (const one of plan) {
    const { kind, key } = one;
    if (kind === "activity") await removeDay(context, key);
    else if (kind === "messages") await removeMessage(context, key.slice("messages/".length));
    else if (kind === "tasks") await removeTask(context, key);
    else if (kind !== "sessions") await store.update(key, () => undefined);
    else if (!(await removeSession(context, nameOf(key)))) continue;
    removed.push(one);
  }
  await forgetCollected(store, now());
  await sweepTraces(context, now() - MAX_DRAFT_MS);
  return removed;
}
