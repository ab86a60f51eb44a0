import type { Context } from "../context.ts";
import { RelayError } from "../errors.ts";
import { MAX_CLOCK_LEAD_MS } from "../id.ts";
import { isMirrored, ownerHere } from "../project/upstream.ts";
import { checkSegment, isSegment } from "../store/key.ts";
import { eachReadable, isCorrupt, parsedOrSkipped } from "../store/read.ts";
import type { RegistrationFolder, Store, Value } from "../store/store.ts";
import { iso } from "../time.ts";
import { Agent, isName, type Presence, presence } from "./agent.ts";
import { type Hearing, hearing } from "./hearing.ts";
import { processState } from "./processes.ts";
import { resolveOne } from "./resolve.ts";

/** An agent, and what is known of it now; of one of another program, not how it hears of mail. */
export type AgentView = Omit<Agent, "hears"> &
  Partial<Hearing> & {
    readonly presence: Presence;
    /** Its last sign of life. ISO 8601. */
    readonly last_seen: string;
    /** Unread messages, if that was asked for; 1,001 means more than 1,000. */
    readonly unread?: number;
  };

/** Every registered session, the latest sign of life first. */
export async function agents(context: Context): Promise<AgentView[]> {
  const views: AgentView[] = [];
  const times = await context.store.markTimes?.("agents");
  for (const agent of await registrations(context)) {
    const key = `${agent.session_id}.seen`;
    views.push(view(context, agent, times ? times.get(key) : await context.store.markedAt(`agents/${key}`)));
  }
  return views.sort(
    (a, b) => Date.parse(b.last_seen) - Date.parse(a.last_seen) || (a.session_id < b.session_id ? -1 : 1),
  );
}

export function registrations({ store }: Pick<Context, "store">): Promise<Agent[]> {
  return agentsIn(store, "agents");
}

/** The archived registrations: sessions that ended and may come back. */
export function ended({ store }: Context): Promise<Agent[]> {
  return agentsIn(store, "archive/agents");
}

async function agentsIn(store: Store, folder: RegistrationFolder): Promise<Agent[]> {
  const records = await store.records?.(folder);
  const found: Agent[] = [];
  if (records) {
    for (const [id, value] of records) {
      const agent = agentIn(value, id);
      if (agent) found.push(agent);
    }
    return found;
  }
  for await (const [, agent] of eachReadable(store, await store.list(folder), (id) => readAgent(store, folder, id)))
    if (agent) found.push(agent);
  return found;
}

/** A registration that a server has sent; undefined for one that is none: the server alone sets it aside. */
function agentIn(value: Value, id: string): Agent | undefined {
  try {
    return { ...Agent.parse(value, id), session_id: id };
  } catch (error) {
    if (isCorrupt(error)) return undefined;
    throw error;
  }
}

/** One session, registered or ended, or undefined. */
export async function find(context: Context, session: string): Promise<AgentView | undefined> {
  const agent =
    (await readAgent(context.store, "agents", session)) ?? (await readAgent(context.store, "archive/agents", session));
  return agent && view(context, agent, await context.store.markedAt(`agents/${session}.seen`));
}

/**
 * The acting session's registration. Reads the record itself, since another program may have removed it. Throws
 * `conflict` for a remote session.
 */
export async function mine(context: Context): Promise<Agent | undefined> {
  const { store, session } = context;
  const agent = await readAgent(store, "agents", checkSegment(session, "session id"));
  if (agent?.owner === undefined || store.served) return agent;
  if (agent.owner === (await ownerHere(context))) return undefined; // this machine registered it from another folder
  throw new RelayError("conflict", `Cannot act as "${session}": that is a session of ${agent.owner}, from elsewhere`, {
    next: `agent-relay --session ${session}-2 ...`,
  });
}

/** Whether a session is registered. Cheap: our sessions have a mark, those of other programs only a record. */
export async function isKnown({ store }: Context, session: string): Promise<boolean> {
  checkSegment(session, "session id");
  return (
    (await store.markedAt(`agents/${session}.seen`)) !== undefined ||
    (await store.get(`agents/${session}`)) !== undefined
  );
}

/** A session by id, name, or the unique beginning of its id. */
export async function sessionOf(context: Context, word: string): Promise<string> {
  const agents = await registrations(context);
  return resolveOne(word, agents, await ended(context));
}

function view({ now, thresholds }: Context, agent: Agent, marked: number | undefined): AgentView {
  const seen = lastOf([marked ?? 0, agent.last_heartbeat * 1000], now() + MAX_CLOCK_LEAD_MS);
  const state = presence(agent, { seen, process: processState(agent) }, now(), thresholds);
  const { hears, ...said } = agent;
  return { ...said, presence: state, last_seen: iso(seen), ...(marked !== undefined && hearing(hears, seen, now())) };
}

/** The last of these times that is not after `bound`, else the last of all: a clock may have run ahead. */
function lastOf(times: readonly number[], bound: number): number {
  const believed = times.filter((time) => time > 0 && time <= bound);
  return Math.max(...(believed.length > 0 ? believed : times));
}

/** Whether another session has ended, or its process is dead. A session of unknown state is not gone. */
export async function isGone(context: Context, session: string): Promise<boolean> {
  return (await standingOf(context, session)).isGone;
}

/** Whether a session is gone, and what it is called. */
export async function standingOf(
  { store, session: me }: Context,
  session: string,
): Promise<{ readonly isGone: boolean; readonly called: string }> {
  const live = await readAgent(store, "agents", session);
  const agent = live ?? (await readAgent(store, "archive/agents", session));
  const called = nameOf(agent) ?? session;
  if (session === me) return { called, isGone: false };
  if (!live) return { called, isGone: agent !== undefined };
  const isElsewhere = live.owner !== undefined && live.owner !== (await ownerIn(store, me));
  return { called, isGone: !isElsewhere && processState(live) === "dead" };
}

/** What sessions are called: by their names where they have one. */
export type Calls = (session: string) => string;

/** What these sessions are called, also those that have ended. */
export async function callsOf(context: Context, sessions: Iterable<string | undefined>): Promise<Calls> {
  const names = await namesOf(context, sessions);
  return (session) => names.get(session) ?? session;
}

/** The names of these sessions, also of those that have ended; the id of one without. */
export async function namesOf(
  { store }: Context,
  sessions: Iterable<string | undefined>,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const session of new Set(sessions)) {
    if (session === undefined || !isSegment(session)) continue;
    const agent = (await readAgent(store, "agents", session)) ?? (await readAgent(store, "archive/agents", session));
    names.set(session, nameOf(agent) ?? session);
  }
  return names;
}

/** A name that the relay would refuse is none: a record written by hand may hold any text. */
function nameOf(agent: Agent | undefined): string | undefined {
  return agent?.name !== undefined && isName(agent.name) ? agent.name : undefined;
}

/**
 * On a served relay: those of `sessions` that have another owner. A client may say of them that they have ended; the
 * server believes nothing more.
 */
export async function foreignSessions(
  { store, session: me }: Context,
  sessions: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  if (!store.served || sessions.size === 0) return new Set();
  const own = await ownerIn(store, me);
  const foreign = new Set<string>();
  for (const session of sessions) if (session !== me && (await ownerIn(store, session)) !== own) foreign.add(session);
  return foreign;
}

async function ownerIn(store: Store, session: string): Promise<string | undefined> {
  return (await readAgent(store, "agents", session))?.owner;
}

/** Whether the acting session has ended. Its process still runs, so only the registration tells. */
export async function hasLeft({ store, session }: Context): Promise<boolean> {
  if (await readAgent(store, "agents", session)) return false;
  return (await readAgent(store, "archive/agents", session)) !== undefined;
}

/** The error of a wait whose session ends meanwhile. */
export function hasEnded(what: string, session: string): RelayError {
  return new RelayError("conflict", `Cannot ${what}: ${session} has ended`, { next: "agent-relay register" });
}

/** A registration, live or archived; undefined if none can be read. Its id is the name it is stored under. */
export async function readAgent(store: Store, folder: RegistrationFolder, id: string): Promise<Agent | undefined> {
  const agent = await parsedOrSkipped(store, `${folder}/${id}`, Agent);
  return agent === undefined || agent.session_id === id ? agent : { ...agent, session_id: id };
}

/** Throws `refused` for a remote session on a mirror: only the server may take something away from it. */
export async function refuseElsewhere(context: Context, session: string): Promise<void> {
  const agent = (await isMirrored(context)) ? await readAgent(context.store, "agents", session) : undefined;
  if (agent?.owner === undefined) return;
  throw new RelayError("refused", `Cannot take anything away from "${session}" here: it is elsewhere`, {
    next: `agent-relay send --to ${session} --kind request-yield "...", or --force where the server is`,
  });
}
