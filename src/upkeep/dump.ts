import type { Entry } from "../activity.ts";
import type { Agent } from "../agent.ts";
import { allTasks } from "../board.ts";
import type { Claims } from "../claim.ts";
import { readClaims } from "../claims-record.ts";
import { type Context, parsedOrSkipped, readMessage, valueOrSkipped } from "../context.ts";
import type { Decision } from "../decision.ts";
import { entries } from "../journal.ts";
import { type Message, order } from "../message.ts";
import { type AgentView, agents, ended } from "../roster.ts";
import type { Task } from "../task.ts";
import { decisions } from "../telling.ts";
import { Wait } from "../wait.ts";

/** Everything in a relay, as plain data. */
export interface Dump {
  /** ISO 8601. */
  readonly exported_at: string;
  readonly project: string;
  readonly relay: Readonly<Record<string, unknown>>;
  readonly agents: readonly AgentView[];
  readonly ended: readonly Agent[];
  readonly messages: readonly Message[];
  readonly claims: Claims;
  readonly tasks: readonly Task[];
  readonly decisions: readonly Decision[];
  readonly waits: readonly Wait[];
  readonly activity: readonly Entry[];
}

/** Reads everything. For a person, who may read every file anyway: also what is between others. */
export async function dump(context: Context): Promise<Dump> {
  const { store, now, project } = context;
  const messages: Message[] = [];
  for (const id of await store.list("messages")) {
    const message = await readMessage(store, id);
    if (message) messages.push(message);
  }
  const tasks: Task[] = [];
  for await (const task of allTasks(context)) tasks.push(task);
  const waits: Wait[] = [];
  for (const id of await store.list("waits")) {
    const wait = await parsedOrSkipped(store, `waits/${id}`, Wait);
    if (wait) waits.push(wait);
  }
  return {
    exported_at: new Date(now()).toISOString(),
    project,
    relay: (await valueOrSkipped(store, "relay")) ?? {},
    agents: await agents(context),
    ended: await ended(context),
    messages: order(messages),
    claims: await readClaims(context),
    tasks,
    decisions: await decisions(context),
    waits,
    activity: (await entries(context)).entries,
  };
}
