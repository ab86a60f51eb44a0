import type { AgentView } from "../agents/registry.ts";
import type { Claim, WaitEdge, Waiter } from "../claims/claim.ts";
import { factsOf, readClaims } from "../claims/ledger.ts";
import { isLive } from "../claims/rules.ts";
import type { Context } from "../context.ts";
import { agentsWithUnread } from "../messages/mailbox.ts";
import { valueOrSkipped } from "../store/read.ts";
import { countOpen, openTasks } from "../tasks/indexes.ts";
import { type Standings, standingsOf } from "../tasks/standings.ts";
import type { Task } from "../tasks/task.ts";
import type { Wait } from "../waits/wait.ts";
import { waits } from "../waits/waiting.ts";

const MAX_TASKS = 20;

/** Who is here and what each does, who holds what, what is to be done, and who waits: one plain object. */
export interface Snapshot {
  readonly agents: readonly AgentView[];
  readonly claims: readonly Claim[];
  /** The waiters for claims, the first in the queue first. */
  readonly queue: readonly Waiter[];
  /** The wait edges: who waits for whom to act. */
  readonly waiting: readonly Pick<WaitEdge, "session_id" | "on" | "for">[];
  /** Waits whose outcome will be told by a message. */
  readonly waits: readonly Wait[];
  /** The open tasks, the first to do first, at most 20. */
  readonly tasks: readonly Task[];
  /** Which of `tasks` are abandoned, and what the pending ones wait for. */
  readonly task_standings: Standings;
  /** How many tasks are not over. */
  readonly task_count: number;
  /** How many decisions there are. */
  readonly decision_count: number;
  /** ISO 8601; set by `finish`: no new session may register. */
  readonly finished_at?: string | undefined;
}

export async function snapshot(context: Context): Promise<Snapshot> {
  const all = await readClaims(context);
  const facts = await factsOf(context, all);
  const isWaiting = (one: { session_id: string }) => !facts.isGone(one.session_id);
  const tasks: Task[] = [];
  for await (const task of openTasks(context)) if (tasks.push(task) === MAX_TASKS) break;
  const relay = await valueOrSkipped(context.store, "relay");
  return {
    agents: await agentsWithUnread(context),
    claims: all.claims.filter((claim) => isLive(claim, facts)),
    queue: all.queue.filter((one) => isWaiting(one) && !facts.isDead(one)),
    waiting: all.edges
      .filter((one) => isWaiting(one) && !facts.isDead(one))
      .map(({ session_id, on, for: what }) => ({ session_id, on, for: what })),
    waits: await waits(context),
    tasks,
    task_standings: await standingsOf(context, tasks),
    task_count: await countOpen(context),
    decision_count: (await context.store.list("decisions")).length,
    ...(typeof relay?.finished_at === "string" ? { finished_at: relay.finished_at } : {}),
  };
}

/** Whether a session holds something, waits for something, or works at a task. */
export function isAtWork({ claims, queue, waiting, waits, tasks }: Snapshot, session: string): boolean {
  return (
    [...claims, ...queue, ...waiting, ...waits].some((one) => one.session_id === session) ||
    tasks.some(({ owner }) => owner?.session_id === session)
  );
}
