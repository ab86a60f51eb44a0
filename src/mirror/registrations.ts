import { Agent } from "../agent.ts";
import { readAgent } from "../context.ts";
import { RelayError } from "../errors.ts";
import { Relay } from "../relay.ts";
import type { Sides } from "./sides.ts";

const STALE = 30_000; // ms between two signs of life that are passed on

/** The sessions that run here, as the local files have them: those that came from elsewhere have an owner. */
export async function ownSessions({ local }: Sides): Promise<Agent[]> {
  const found: Agent[] = [];
  for (const id of await local.list("agents")) {
    const agent = await readAgent(local, "agents", id);
    if (agent && agent.owner === undefined) found.push(agent);
  }
  return found;
}

/** Tells the server who is here, and who has left. Returns those that it takes for ours. */
export async function pushAgents(sides: Sides): Promise<Agent[]> {
  const known: Agent[] = [];
  for (const agent of await ownSessions(sides)) if (await pushAgent(sides, agent)) known.push(agent);
  for (const id of await sides.local.list("archive/agents")) {
    const left = await readAgent(sides.local, "archive/agents", id);
    if (left?.owner !== undefined || (await readAgent(sides.local, "agents", id))) continue;
    const there = await readAgent(sides.remote(""), "agents", id);
    if (there?.owner === sides.owner) await relayOf(sides, id, there.agent_id).unregister();
  }
  return known;
}

/** False for a session whose id is somebody else's there. */
async function pushAgent(sides: Sides, agent: Agent): Promise<boolean> {
  const { local, remote, owner } = sides;
  const { session_id: session } = agent;
  const key = `agents/${session}`;
  const there = await readAgent(remote(""), "agents", session);
  if (there && there.owner !== owner) {
    sides.notice(`session ${session} is ${there.owner ?? "somebody"}'s there already: nothing of it is passed on`);
    return false;
  }
  if (!there) await registerThere(sides, agent);
  else if (isNews(agent, there))
    await remote(session).update(key, (old) => {
      const { name: _, pid: __, pid_started: ___, place: ____, ...said } = agent;
      return old && { ...old, ...said };
    });
  const [here, seen] = [await local.markedAt(`${key}.seen`), await remote(session).markedAt(`${key}.seen`)];
  if (here !== undefined && here > (seen ?? 0) + STALE) await remote(session).mark(`${key}.seen`, here);
  return true;
}

/** Under its own name if nobody there has that; else the server gives another, which is its name here, too, from then on. */
async function registerThere(sides: Sides, agent: Agent): Promise<void> {
  const { session_id: session, name, role, metadata, pid, cwd } = agent;
  const relay = relayOf(sides, session, agent.agent_id);
  const options = { role, pid, cwd, metadata: Object(metadata) };
  const made = await relay.register({ ...options, name }).catch((error: unknown) => {
    if (!(error instanceof RelayError) || error.code !== "conflict" || name === undefined) throw error;
    return relay.register(options);
  });
  if (made.name === name || made.name === undefined) return;
  await sides.local.update(`names/${made.name}`, () => ({ session_id: session, turn: "mirror" }));
  await sides.local.update(`agents/${session}`, (old) => old && { ...old, name: made.name });
}

function isNews(here: Agent, there: Agent): boolean {
  const told = ["agent_id", "role", "status", "status_at", "branch", "cwd", "worktree"] as const;
  return told.some((field) => here[field] !== there[field]);
}

/** Notes here who is elsewhere. Who left there has left here, too. */
export async function pullAgents({ local, remote, owner, relay }: Sides): Promise<void> {
  const any = remote("");
  const there = new Set<string>();
  for (const id of await any.list("agents")) {
    const agent = await readAgent(any, "agents", id);
    if (!agent || agent.owner === owner) continue;
    there.add(id);
    const here = await readAgent(local, "agents", id);
    if (here && here.owner === undefined) continue; // one of ours has that id: it was told of
    const want = { ...agent, owner: agent.owner ?? relay };
    if (JSON.stringify(here) !== JSON.stringify(want)) await local.update(`agents/${id}`, () => want);
    if (agent.name !== undefined && (await local.get(`names/${agent.name}`))?.session_id !== id)
      await local.update(`names/${agent.name}`, () => ({ session_id: id, turn: "mirror" }));
    const seen = await any.markedAt(`agents/${id}.seen`);
    if (seen !== undefined && seen !== (await local.markedAt(`agents/${id}.seen`)))
      await local.mark(`agents/${id}.seen`, seen);
  }
  for (const id of await local.list("agents")) {
    const here = await readAgent(local, "agents", id);
    if (here?.owner === undefined || there.has(id)) continue;
    const ended = await readAgent(any, "archive/agents", id);
    await local.update(`archive/agents/${id}`, () => Agent.parse({ ...here, ...ended, owner: here.owner }, id));
    await local.update(`agents/${id}`, () => undefined);
    await local.unmark(`agents/${id}.seen`);
  }
}

function relayOf({ remote, dir, now }: Sides, session: string, agent: string): Relay {
  return new Relay(dir, { session, agent, store: remote(session), now });
}
