import type { Context } from "../context.ts";
import { lostDependencies, unmet } from "./indexes.ts";
import { isFree, type Task } from "./task.ts";
import { factsOf } from "./update.ts";

/** What is known of some tasks beyond their records. */
export interface Standings {
  /** The ids of tasks in progress that anyone may take: the owner is gone, or its lease has run out. */
  readonly abandoned: readonly string[];
  /** Id of a pending task -> the ids of the dependencies it waits for. A task that waits for none has no entry. */
  readonly waits_for: Readonly<Record<string, readonly string[]>>;
  /** Id of a task -> the ids of its dependencies whose records are gone: nobody can tell whether they were done. */
  readonly lost: Readonly<Record<string, readonly string[]>>;
}

/** Whether somebody works on a task. One that was abandoned is nobody's: anyone may take it. */
export function isWorkedOn(task: Task, { abandoned }: Standings): boolean {
  return task.state === "in_progress" && !abandoned.includes(task.id);
}

/** Whether a task may be taken now, as far as its standing tells. */
export function isUpForWork(task: Task, { abandoned, waits_for }: Standings): boolean {
  return (task.state === "pending" && !(task.id in waits_for)) || abandoned.includes(task.id);
}

export async function standingsOf(context: Context, tasks: readonly Task[]): Promise<Standings> {
  const abandoned: string[] = [];
  const waits_for: Record<string, readonly string[]> = {};
  const lost: Record<string, readonly string[]> = {};
  for (const task of tasks) {
    if (task.state === "in_progress" && isFree(task, await factsOf(context, task))) abandoned.push(task.id);
    const missing = task.state === "pending" ? await unmet(context, task) : [];
    if (missing.length > 0) waits_for[task.id] = missing.map(({ id }) => id);
    const gone = await lostDependencies(context, task);
    if (gone.length > 0) lost[task.id] = gone;
  }
  return { abandoned, waits_for, lost };
}
