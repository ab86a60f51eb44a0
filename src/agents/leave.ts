import { record } from "../activity/log.ts";
import type { Context } from "../context.ts";
import { place } from "../machine/process.ts";
import type { Store } from "../store/store.ts";
import { iso } from "../time.ts";
import { Agent, isSameRun } from "./agent.ts";
import { processState, withoutProcess } from "./processes.ts";
import { readAgent, registrations } from "./registry.ts";

/** Archives this session's registration. Its inbox stays. Returns it, or undefined if there was none. */
export async function unregister(context: Context): Promise<Agent | undefined> {
  const agent = await readAgent(context.store, "agents", context.session);
  context.seen.clear();
  if (agent) await archive(context, agent);
  return agent;
}

/** Takes the process `pid` off a session that has others which run: the session then goes on. Returns whether it does. */
export async function leaveProcess(store: Store, session: string, pid: number): Promise<boolean> {
  if (pid === 0 || !(await readAgent(store, "agents", session))) return false;
  let goesOn = false;
  await store.update(`agents/${session}`, (current) => {
    const left = current && withoutProcess(Agent.parse(current, session), pid, place());
    goesOn = left !== undefined;
    return left ?? current;
  });
  return goesOn;
}

/** Archives every registration whose process is known to be dead. Returns those. */
export async function cleanupDead(context: Context): Promise<Agent[]> {
  const dead = (await registrations(context)).filter((agent) => processState(agent) === "dead");
  const gone: Agent[] = [];
  for (const agent of dead) if (await archive(context, agent)) gone.push(agent);
  return gone;
}

/** Ends another session, unless a newer run has replaced the registration `agent`. Returns whether it did. */
export function endSession(context: Context, agent: Agent): Promise<boolean> {
  return archive(context, agent);
}

/** Ends the sessions whose owner `isOut`: what they hold is free, and a message to them says that they have ended. Returns those. */
export async function endSessionsOf(context: Context, isOut: (owner: string) => boolean): Promise<Agent[]> {
  const out = (await registrations(context)).filter(({ owner }) => owner !== undefined && isOut(owner));
  const gone: Agent[] = [];
  for (const agent of out) if (await archive(context, agent)) gone.push(agent);
  return gone;
}

/** Moves a registration to the archive, unless a newer run has replaced it. Returns whether it did. */
async function archive(context: Context, agent: Agent): Promise<boolean> {
  const { store, now } = context;
  const { session_id: session } = agent;
  const ended = { ...agent, ended_at: iso(now()) };
  await store.update(`archive/agents/${session}`, () => ended);
  let isArchived = false;
  await store.update(`agents/${session}`, (current) => {
    isArchived = current !== undefined && isSameRun(Agent.parse(current, session), agent);
    return isArchived ? undefined : current;
  });
  if (isArchived) for (const mark of ["seen", "heard"]) await store.unmark(`agents/${session}.${mark}`);
  if (isArchived) await record(context, { event: "agent.left", who: session });
  return isArchived;
}
