import type { Entry } from "../activity/entry.ts";
import { entries } from "../activity/log.ts";
import type { Agent } from "../agents/agent.ts";
import { type AgentView, agents, ended } from "../agents/registry.ts";
import { claims } from "../claims/claims.ts";
import { readClaims } from "../claims/ledger.ts";
import type { ClaimLedger } from "../claims/rules.ts";
import type { Context } from "../context.ts";
import { decisions } from "../decisions/decide.ts";
import type { Decision } from "../decisions/decision.ts";
import type { Message } from "../messages/message.ts";
import { order } from "../messages/order.ts";
import { isReadable, readMessage } from "../messages/records.ts";
import { eachReadable, parsedOrSkipped, valueOrSkipped } from "../store/read.ts";
import { allTasks } from "../tasks/indexes.ts";
import { type Standings, standingsOf } from "../tasks/standings.ts";
import type { Task } from "../tasks/task.ts";
import { iso } from "../time.ts";
import { Wait } from "../waits/wait.ts";

/** Everything in a relay, as plain data. */
export interface Dump {
  /** ISO 8601. */
  readonly exported_at: string;
  readonly project: string;
  readonly relay: Readonly<Record<string, unknown>>;
  readonly agents: readonly AgentView[];
  /** Those that have left. */
  readonly ended: readonly Agent[];
  readonly messages: readonly Message[];
  /** Those that are live. */
  readonly claims: ClaimLedger;
  readonly tasks: readonly Task[];
  /** Which of the tasks are abandoned, and what the pending ones wait for. */
  readonly task_standings: Standings;
  readonly decisions: readonly Decision[];
  readonly waits: readonly Wait[];
  /** The whole log. */
  readonly activity: readonly Entry[];
}

/** The relay's record without the mark: with it, anyone could make a relay that this machine trusts. */
function withoutMark({ mark: _, ...relay }: Readonly<Record<string, unknown>>) {
  return relay;
}

/** Everything that we may read: for the person at the keyboard, also direct messages between others. */
export async function dump(context: Context): Promise<Dump> {
  const { store, now, project } = context;
  const messages: Message[] = [];
  for await (const [, message] of eachReadable(store, await store.list("messages"), (id) => readMessage(store, id)))
    if (message && isReadable(context, message)) messages.push(message);
  const tasks: Task[] = [];
  for await (const task of allTasks(context)) tasks.push(task);
  const waits: Wait[] = [];
  const waitIn = (id: string) => parsedOrSkipped(store, `waits/${id}`, Wait);
  for await (const [, wait] of eachReadable(store, await store.list("waits"), waitIn)) if (wait) waits.push(wait);
  return {
    exported_at: iso(now()),
    project,
    relay: withoutMark((await valueOrSkipped(store, "relay")) ?? {}),
    agents: await agents(context),
    ended: await ended(context),
    messages: order(messages),
    claims: { ...(await readClaims(context)), claims: await claims(context) },
    tasks,
    task_standings: await standingsOf(context, tasks),
    decisions: await decisions(context),
    waits,
    activity: (await entries(context)).entries,
  };
}
