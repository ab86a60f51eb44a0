import { record } from "../activity/log.ts";
import { type Context, isSeenLately, type RegisterOptions } from "../context.ts";
import { RelayError } from "../errors.ts";
import { branchOf, worktreeOf } from "../git/repository.ts";
import { MAX_METADATA_BYTES } from "../limits.ts";
import { place, startOf } from "../machine/process.ts";
import { ownerHere } from "../project/upstream.ts";
import { checkSegment } from "../store/key.ts";
import { valueOrSkipped } from "../store/read.ts";
import { jsonText } from "../text.ts";
import { Agent, checkName, checkSession, type Teller } from "./agent.ts";
import { withLook } from "./hearing.ts";
import { keepName, nameTaken, refuseNamesake, takeName } from "./names.ts";
import { joined, processState } from "./processes.ts";
import { mine, readAgent } from "./registry.ts";

/** Writes this session's registration, in place of an older one, and lists the recent broadcasts in its inbox. */
export async function register(context: Context, given: RegisterOptions = {}): Promise<Agent> {
  const { store, session } = context;
  const options = { ...context.registration, ...given };
  checkSession(session);
  checkMetadata(options.metadata);
  if (options.role !== undefined) checkName(options.role, "role");
  await refuseFinished(context);
  await refuseCaseTwin(context);
  await refuseNamesake(context);

  const live = await readAgent(store, "agents", session);
  const left = live ? undefined : await readAgent(store, "archive/agents", session);
  const old = live ?? left;
  if (old?.owner !== undefined && !store.served && old.owner !== (await ownerHere(context)))
    throw new RelayError(
      "conflict",
      `Cannot register "${session}": that is a session of ${old.owner}, from elsewhere`,
      {
        next: `agent-relay register --session ${session}-2`,
      },
    );
  // Settle before the session is back: others may wait for its end.
  if (left || (live && processState(live) === "dead")) await context.settle();
  const name = await takeName(context, options.name, old?.name);
  const { pid_started, place: _, other_processes, left_processes, ended_at, owner, hears, ...said } = old ?? {};
  const kept = store.served && owner !== undefined ? { ...said, owner } : said;
  const fresh = newAgent(context, options);
  const goesOn = live !== undefined && processState(live) !== "dead";
  const run = { ...(live ? joined(live, fresh) : fresh), ...(goesOn && hears && { hears }) };
  const agent = { ...kept, ...run, metadata: options.metadata ?? old?.metadata ?? {}, name };
  if (live || !(await store.create(`agents/${session}`, agent))) await store.update(`agents/${session}`, () => agent);
  await store.mark(`agents/${session}.seen`, context.now());

  if (!(await keepName(context, name))) return retryUnderAnotherName(context, agent, options);
  if (!live) await undoIfFinished(context);
  if (left) await store.update(`archive/agents/${session}`, () => undefined);
  await context.catchUp(!live, options.name);
  if (!live) await record(context, { event: "agent.registered", name });
  return agent;
}

function newAgent(context: Context, options: RegisterOptions): Omit<Agent, "name"> {
  const seconds = Math.floor(context.now() / 1000);
  const pid = options.pid ?? 0;
  if (!Number.isInteger(pid) || pid < 0 || pid > 0x7fffffff)
    throw new RelayError("usage", `Cannot register with pid ${pid}: it is no process id`);
  const started = pid === 0 ? undefined : startOf(pid);
  return {
    session_id: context.session,
    agent_id: context.agent,
    pid,
    registered_at: seconds,
    last_heartbeat: seconds,
    metadata: {},
    ...(options.role === undefined ? {} : { role: options.role }),
    ...(started === undefined ? {} : { pid_started: started }),
    ...(pid === 0 ? {} : { place: place() }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd, ...whereabouts(options.cwd) }),
  };
}

function checkMetadata(metadata: RegisterOptions["metadata"]): void {
  if (metadata === undefined || Buffer.byteLength(jsonText(metadata)) <= MAX_METADATA_BYTES) return;
  throw new RelayError("limit", `Cannot register with more than ${MAX_METADATA_BYTES} bytes of metadata`);
}

function whereabouts(cwd: string): { worktree?: string; branch?: string } {
  const worktree = worktreeOf(cwd)?.root;
  const branch = worktree && branchOf(worktree);
  return { ...(worktree && { worktree }), ...(branch && { branch }) };
}

/** Two ids that differ only in case would be one file on some disks. */
async function refuseCaseTwin({ store, session }: Context): Promise<void> {
  if (session === session.toLowerCase() && (await readAgent(store, "agents", session))) return;
  const twin = (await store.list("agents")).find((id) => id !== session && id.toLowerCase() === session.toLowerCase());
  if (twin !== undefined)
    throw new RelayError("conflict", `Cannot register "${session}": "${twin}" is here and differs only in case`, {
      next: `agent-relay register --session ${session.toLowerCase()}-2`,
    });
}

async function refuseFinished({ store, session }: Context): Promise<void> {
  const relay = await valueOrSkipped(store, "relay");
  if (relay?.finished_at === undefined) return;
  throw new RelayError("refused", `Cannot register "${session}": this project was finished on ${relay.finished_at}`, {
    next: "agent-relay reopen",
  });
}

/**
 * Undoes this registration if the project was finished meanwhile. `finish` sets `finished_at` and then lists the
 * sessions: one of the two sees the other.
 */
async function undoIfFinished(context: Context): Promise<void> {
  try {
    await refuseFinished(context);
  } catch (error) {
    await context.store.update(`agents/${context.session}`, () => undefined);
    await context.store.unmark(`agents/${context.session}.seen`);
    throw error;
  }
}

/**
 * Another session took the name between our reservation and our registration. Registers under another name; throws
 * `conflict` if this name was asked for.
 */
async function retryUnderAnotherName(
  context: Context,
  agent: Agent & { name: string },
  options: RegisterOptions,
): Promise<Agent> {
  if (options.name === undefined) return register(context, { ...options, name: undefined });
  await context.store.update(`agents/${context.session}`, () => undefined);
  throw nameTaken(agent.name, "another");
}

/** Registers this session if need be, with the options of its Relay; else renews its sign of life. */
export async function ensureRegistered(context: Context): Promise<void> {
  if (isSeenLately(context, context.session)) return;
  const agent = await mine(context);
  if (agent && !isSuperseded(context, agent)) await touch(context);
  else await register(context);
}

/** Whether the registered process is dead though the session goes on: it acts right now, from another process. */
export function isSuperseded({ registration: { pid = 0 } }: Context, agent: Agent): boolean {
  return agent.pid !== pid && processState(agent) === "dead";
}

/** Renews this session's sign of life, if it is registered. */
export async function touch(context: Context): Promise<void> {
  const { store, session, now, seen } = context;
  const key = `agents/${checkSegment(session, "session id")}.seen`;
  if (isSeenLately(context, session) || (await store.markedAt(key)) === undefined) return;
  await store.mark(key, now());
  seen.set(session, now());
}

/** Renews `last_heartbeat`, and notes that `by` tells of mail. Never creates. Returns the registration, or undefined if there is none. */
export async function heartbeat(context: Context, by?: Teller): Promise<Agent | undefined> {
  const { store, session } = context;
  if (!(await readAgent(store, "agents", session))) return undefined; // the lock of an update would create a relay
  const seconds = Math.floor(context.now() / 1000);
  const beat = await store.update(`agents/${session}`, (old) => {
    const agent = old && { ...old, last_heartbeat: seconds };
    return agent && by ? withLook(agent, by, context.now()) : agent;
  });
  if (beat) await store.mark(`agents/${session}.seen`, context.now());
  return beat && Agent.parse(beat, `agents/${session}`);
}
