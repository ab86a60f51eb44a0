import { Agent, type Hears } from "../agents/agent.ts";
import { unregister } from "../agents/leave.ts";
import { withoutProcesses } from "../agents/processes.ts";
import { register } from "../agents/register.ts";
import { readAgent } from "../agents/registry.ts";
import { RelayError } from "../errors.ts";
import { APART } from "../project/upstream.ts";
import { isSegment } from "../store/key.ts";
import { jsonText } from "../text.ts";
import { iso } from "../time.ts";
import { forEach, remoteContext as onServer, orNotice, type Replicas } from "./replica.ts";

const SIGN_EVERY_MS = 60_000; // between two signs of life that are passed on

/** What a mirror remembers of sessions; all of it can be found out again. */
export interface AgentProgress {
  /** Sessions in the archive here whose end the server knows, or need not be told. */
  readonly over: Set<string>;
}

/** The sessions that run here. */
export interface LocalSessions {
  /** Those that are registered on the server as ours. */
  readonly ours: ReadonlySet<string>;
  /** Those that the server does not have as ours: it refused them, or their ids are another's there. */
  readonly apart: ReadonlySet<string>;
}

/** Registers on the server the sessions that run here, or updates their registrations there. */
export async function pushAgents(replicas: Replicas, known: AgentProgress): Promise<LocalSessions> {
  const { local } = replicas;
  const [ours, apart] = [new Set<string>(), new Set<string>()];
  await forEach(await local.list("agents"), async (id) => {
    const agent = await readAgent(local, "agents", id);
    if (!agent || agent.owner !== undefined) return;
    known.over.delete(id);
    let isTaken = false;
    const isDone = await orNotice(replicas, `session ${id}`, async () => {
      isTaken = await pushAgent(replicas, agent);
    });
    (isTaken ? ours : apart).add(id);
    if (isDone && !isTaken)
      replicas.notice(
        `session ${id} is another's there already: nothing of it is passed on; give it another --session`,
      );
  });
  const noted = new Set(await local.marks(APART));
  for (const id of apart) if (!noted.has(id)) await local.mark(`${APART}/${id}`, replicas.now());
  for (const id of noted) if (!apart.has(id)) await local.unmark(`${APART}/${id}`);
  return { ours, apart };
}

/** Sessions of ours that have ended here and are still registered on the server. */
export async function leftHere(replicas: Replicas, known: AgentProgress): Promise<Agent[]> {
  const { local, remote, owner } = replicas;
  const left: Agent[] = [];
  await forEach(await local.list("archive/agents"), async (id) => {
    if (known.over.has(id)) return;
    const agent = await readAgent(local, "archive/agents", id);
    if (await readAgent(local, "agents", id)) return;
    const there = agent && agent.owner === undefined ? await readAgent(remote(""), "agents", id) : undefined;
    if (agent && there?.owner === owner && isRunOf(agent, there)) left.push(agent);
    else known.over.add(id);
  });
  return left;
}

/** Whether a registration there is of the run that has ended here, and not of a later run in another folder. */
function isRunOf(ended: Agent, there: Agent | undefined): boolean {
  return there !== undefined && there.registered_at * 1000 <= Date.parse(ended.ended_at ?? "");
}

/** Ends on the server the sessions that have ended here. */
export async function pushEnds(replicas: Replicas, left: readonly Agent[], known: AgentProgress): Promise<void> {
  for (const { session_id: session, agent_id } of left) {
    await orNotice(replicas, `the end of ${session}`, () => unregister(onServer(replicas, session, agent_id)));
    known.over.add(session);
  }
}

/**
 * Whether a session was ours and has ended, or never registered (other programs' sessions need not). If the server
 * knows no such session, it gets an archived registration of it.
 */
export async function hasLeft(replicas: Replicas, session: string, agent = "agent"): Promise<boolean> {
  const { local, remote } = replicas;
  if (!isSegment(session) || (await readAgent(local, "agents", session))) return false;
  const ended = await readAgent(local, "archive/agents", session);
  if (ended?.owner !== undefined) return false;
  const any = remote("");
  const there = (await readAgent(any, "agents", session)) ?? (await readAgent(any, "archive/agents", session));
  if (there) return there.owner === replicas.owner;
  const seconds = Math.floor(replicas.now() / 1000);
  const unknown: Agent = {
    session_id: session,
    agent_id: agent,
    pid: 0,
    registered_at: seconds,
    last_heartbeat: seconds,
    metadata: {},
  };
  const record = { ended_at: iso(replicas.now()), ...withoutProcesses(ended ?? unknown) };
  return orNotice(replicas, `session ${session}`, () => remote(session).create(`archive/agents/${session}`, record));
}

/** False for a session whose id is somebody else's there. */
async function pushAgent(replicas: Replicas, agent: Agent): Promise<boolean> {
  const { local, remote, owner } = replicas;
  const { session_id: session } = agent;
  const key = `agents/${session}`;
  const store = remote(session);
  const live = await readAgent(remote(""), "agents", session);
  const there = live ?? (await readAgent(remote(""), "archive/agents", session));
  if (there && there.owner !== owner) return false; // the server would refuse whatever it does
  // Registering ends with the mark `heard`: without it, the registration was cut off.
  const isWhole = live && (await store.markedAt(`${key}.heard`)) !== undefined;
  if (!isWhole || live.name !== agent.name) await registerThere(replicas, agent);
  else if (isNews(agent, live))
    await store.update(key, (old) => {
      const {
        name: _,
        pid: __,
        pid_started: ___,
        place: ____,
        other_processes: _____,
        left_processes: ______,
        ...said
      } = agent;
      return old && { ...old, ...said };
    });
  const [here, seen] = [await local.markedAt(`${key}.seen`), await store.markedAt(`${key}.seen`)];
  if (here !== undefined && here > (seen ?? 0) + SIGN_EVERY_MS) await store.mark(`${key}.seen`, here);
  return true;
}

/** Registers a session on the server. If its name is taken there, it gets a new one, also here. */
async function registerThere(replicas: Replicas, agent: Agent): Promise<void> {
  const { session_id: session, name, role, metadata, cwd } = agent;
  const context = onServer(replicas, session, agent.agent_id);
  const options = { role, pid: 0, cwd, metadata: Object(metadata) };
  const made = await register(context, { ...options, name }).catch((error: unknown) => {
    if (!(error instanceof RelayError) || error.code !== "conflict" || name === undefined) throw error;
    return register(context, options);
  });
  if (made.name === name || made.name === undefined) return;
  await replicas.local.update(`names/${made.name}`, () => ({ session_id: session, turn: "mirror" }));
  await replicas.local.update(`agents/${session}`, (old) => old && { ...old, name: made.name });
}

function isNews(here: Agent, there: Agent): boolean {
  const told = ["agent_id", "role", "status", "status_at", "branch", "cwd", "worktree"] as const;
  if (told.some((field) => here[field] !== there[field])) return true;
  return jsonText(here.metadata) !== jsonText(there.metadata) || hasNewLook(here.hears, there.hears);
}

/** Whether something else tells it of mail than was said, or it has looked long after that. */
function hasNewLook(here: Hears = {}, there: Hears = {}): boolean {
  const words = Object.keys(here) as (keyof Hears)[];
  if (words.length !== Object.keys(there).length) return true;
  return words.some((one) => Date.parse(here[one] ?? "") - Date.parse(there[one] ?? "") > SIGN_EVERY_MS);
}

/** Registers here the sessions of elsewhere, and archives here those that are no longer registered on the server. */
export async function pullAgents(replicas: Replicas): Promise<void> {
  const { local, remote } = replicas;
  const any = remote("");
  const there = new Set(await any.list("agents"));
  await forEach(there, async (id) => {
    const agent = await readAgent(any, "agents", id);
    if (!agent || (await isHere(replicas, agent))) return;
    await orNotice(replicas, `session ${id}`, async () =>
      noteHere(replicas, agent, await any.markedAt(`agents/${id}.seen`)),
    );
  });
  await forEach(await local.list("agents"), async (id) => {
    const here = await readAgent(local, "agents", id);
    if (here?.owner === undefined || there.has(id)) return;
    const ended = await readAgent(any, "archive/agents", id);
    await local.update(`archive/agents/${id}`, () => Agent.parse({ ...here, ...ended, owner: here.owner }, id));
    await local.update(`agents/${id}`, () => undefined);
    await local.unmark(`agents/${id}.seen`);
  });
}

/** Whether a session of the server is one of ours, or has the id of one of ours: a person was told of that. */
async function isHere({ local, owner }: Replicas, agent: Agent): Promise<boolean> {
  const { session_id: id } = agent;
  const live = await readAgent(local, "agents", id);
  if (live) return live.owner === undefined;
  const ended = await readAgent(local, "archive/agents", id);
  return agent.owner === owner && ended !== undefined && ended.owner === undefined && isRunOf(ended, agent);
}

/** Registers here a session of elsewhere, without its process: the pid means nothing on this machine. */
async function noteHere({ local, relay }: Replicas, agent: Agent, seen: number | undefined): Promise<void> {
  const { session_id: id, name } = agent;
  const key = `agents/${id}`;
  const want = { ...withoutProcesses(agent), owner: agent.owner ?? relay };
  if (jsonText(await readAgent(local, "agents", id)) !== jsonText(want)) await local.update(key, () => want);
  if (name !== undefined && isSegment(name) && (await local.get(`names/${name}`))?.session_id !== id)
    await local.update(`names/${name}`, () => ({ session_id: id, turn: "mirror" }));
  if (seen !== undefined && seen !== (await local.markedAt(`${key}.seen`))) await local.mark(`${key}.seen`, seen);
}
