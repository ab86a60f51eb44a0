import { Agent, checkName, checkSession, isName, isSameRun, namesFor } from "./agent.ts";
import { type Context, isSeenLately, type RegisterOptions, readAgent, readMessage, valueOrSkipped } from "./context.ts";
import { RelayError } from "./errors.ts";
import { newNonce } from "./id.ts";
import { DIGEST_SIZE, digestCandidates, isNews, unreadMark } from "./inbox.ts";
import { record } from "./journal.ts";
import { foreignLook } from "./mend.ts";
import { ownerHere } from "./mirrored.ts";
import { place, startOf } from "./place.ts";
import { branchOf, worktreeOf } from "./project.ts";
import { find, mine, processState, registrations } from "./roster.ts";
import { checkSegment, isSegment } from "./store/key.ts";
import type { Value } from "./store/store.ts";
import { settleWaitsIfAny } from "./wait-marks.ts";

/** Writes this session's registration, in place of an older one, and lists the recent broadcasts in its inbox. */
export async function register(context: Context, given: RegisterOptions = {}): Promise<Agent> {
  const { store, session } = context;
  const options = { ...context.registration, ...given };
  checkSession(session);
  checkMetadata(options.metadata);
  if (options.role !== undefined) checkName(options.role, "role");
  await refuseFinished(context);
  await refuseFolded(context);
  await refuseNamesake(context);

  const live = await readAgent(store, "agents", session);
  const left = live ? undefined : await readAgent(store, "archive/agents", session);
  const old = live ?? left;
  if (old?.owner !== undefined && !store.isServed && old.owner !== (await ownerHere(context)))
    throw new RelayError(
      "conflict",
      `Cannot register "${session}": that is a session of ${old.owner}, from elsewhere`,
      {
        next: `agent-relay register --session ${session}-2`,
      },
    );
  // Before it is back: who waits for its end is told of it.
  if (left || (live && processState(live) === "dead")) await settleWaitsIfAny(context);
  const name = await takeName(context, options.name, old?.name);
  const { pid_started, place: _, ended_at, owner, ...said } = old ?? {};
  const kept = store.isServed && owner !== undefined ? { ...said, owner } : said;
  const agent = { ...kept, ...newAgent(context, options), metadata: options.metadata ?? old?.metadata ?? {}, name };
  if (live || !(await store.create(`agents/${session}`, agent))) await store.update(`agents/${session}`, () => agent);
  await store.mark(`agents/${session}.seen`, context.now());

  if (!(await keepName(context, name))) return loseName(context, agent, options);
  if (!live) await leaveFinished(context);
  if (left) await store.update(`archive/agents/${session}`, () => undefined);
  await foreignLook(context, "now");
  // Who is registered was pointed at each broadcast: to list them again would rest on receipts, which the crate may lose.
  const heard = `agents/${session}.heard`;
  if (!live || (await store.markedAt(heard)) === undefined) await takeDigest(context);
  await store.mark(heard, context.now());
  if (!live) await record(context, { event: "agent.registered", name });
  return agent;
}

function newAgent(context: Context, options: RegisterOptions): Agent {
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

const MAX_METADATA = 16 * 1024; // bytes: it is read at every look at who is here

function checkMetadata(metadata: RegisterOptions["metadata"]): void {
  if (metadata === undefined || Buffer.byteLength(JSON.stringify(metadata)) <= MAX_METADATA) return;
  throw new RelayError("limit", `Cannot register with more than ${MAX_METADATA} bytes of metadata`);
}

function whereabouts(cwd: string): { worktree?: string; branch?: string } {
  const worktree = worktreeOf(cwd)?.root;
  const branch = worktree && branchOf(worktree);
  return { ...(worktree && { worktree }), ...(branch && { branch }) };
}

/** Two ids that differ only in case would be one file on some disks. */
async function refuseFolded({ store, session }: Context): Promise<void> {
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

/** Whoever finishes first says so and then lists who is here: one of the two sees the other. */
async function leaveFinished(context: Context): Promise<void> {
  try {
    await refuseFinished(context);
  } catch (error) {
    await context.store.update(`agents/${context.session}`, () => undefined);
    await context.store.unmark(`agents/${context.session}.seen`);
    throw error;
  }
}

/** What is sent to a word reaches the session with that id: nobody else may be called so. */
async function refuseNamesake(context: Context): Promise<void> {
  const { store, session } = context;
  if (!isName(session) || (await readAgent(store, "agents", session))) return;
  const holder = holderIn(await valueOrSkipped(store, `names/${session}`));
  if (holder === undefined || holder === session || (await readAgent(store, "agents", holder))?.name !== session)
    return;
  throw new RelayError("conflict", `Cannot register "${session}": session ${holder} has that as its name`, {
    next: `agent-relay register --session ${session}-2`,
  });
}

/** Reserves a name: the wanted one or throws `conflict`, else the old one or the first free one. */
async function takeName(context: Context, wanted: string | undefined, old: string | undefined): Promise<string> {
  if (wanted !== undefined) {
    if (wanted !== context.session && (await find(context, checkName(wanted)))) throw nameTaken(wanted, wanted);
    const holder = await reserve(context, checkName(wanted));
    if (holder === context.session) return wanted;
    throw nameTaken(wanted, holder);
  }
  if (old !== undefined && isName(old) && (await reserve(context, old)) === context.session) return old;
  for (const name of namesFor(context.agent, context.session))
    if ((await reserve(context, name)) === context.session) return name;
  throw new RelayError("failed", `Cannot find a free name for "${context.session}"`, { next: "give one with --name" });
}

function nameTaken(name: string, holder: string): RelayError {
  return new RelayError("conflict", `Cannot take the name "${name}": session ${holder} has it`, {
    next: "choose another --name, or see agent-relay agents",
  });
}

/** Takes `name` if it is free or its holder has left; returns who has it then. */
async function reserve(context: Context, name: string): Promise<string> {
  const { store, session } = context;
  const mine = { session_id: session, turn: newNonce() };
  const key = `names/${name}`;
  if (await store.create(key, mine)) return session;
  const seen = await valueOrSkipped(store, key);
  const holder = holderIn(seen);
  if (holder === session) return session;
  if (holder !== undefined && (await readAgent(store, "agents", holder))?.name === name) return holder;
  // Its turn too: a holder that was only being registered when we looked has by now kept its name.
  const isAsSeen = (current: Value | undefined) => holderIn(current) === holder && current?.turn === seen?.turn;
  const now = await store.update(key, (current) => (isAsSeen(current) ? mine : current));
  return holderIn(now) ?? reserve(context, name);
}

/** Says in the name's own record that its holder is there to see; false if another took it first. One of the two wins. */
async function keepName({ store, session }: Context, name: string): Promise<boolean> {
  const mine = { session_id: session, turn: newNonce() };
  const now = await store.update(`names/${name}`, (current) => (holderIn(current) === session ? mine : current));
  return holderIn(now) === session;
}

/** Who has a name, or undefined for a record that names no session. */
function holderIn(record: Value | undefined): string | undefined {
  const holder = record?.session_id;
  return typeof holder === "string" && isSegment(holder) ? holder : undefined;
}

/** Someone took the name for free between our reserving it and our registration being there to see. */
async function loseName(context: Context, agent: Agent & { name: string }, options: RegisterOptions): Promise<Agent> {
  if (options.name === undefined) return register(context, { ...options, name: undefined });
  await context.store.update(`agents/${context.session}`, () => undefined);
  throw nameTaken(agent.name, "another");
}

/** Lists the broadcasts of the last day in this session's inbox: those it has no receipt for, the newest 50. */
async function takeDigest(context: Context): Promise<void> {
  const { store, session } = context;
  let room = DIGEST_SIZE;
  const ids = await store.marks("inboxes/all");
  const candidates = digestCandidates(ids, context.now());
  const isCandidate = new Set(candidates);
  for (const id of ids) if (!isCandidate.has(id)) await store.unmark(unreadMark("all", id)); // nobody will be told of it
  for (const id of candidates) {
    if (room === 0) return;
    const message = await readMessage(store, id);
    // A broadcast that is still being written may come at any moment: listing it too early costs nothing.
    const isComing = message === undefined && (await store.isDraft(`messages/${id}`));
    if (!isComing && !(message && isNews(session, message, context.now()))) continue;
    await store.mark(unreadMark(session, id), context.now());
    room--;
  }
}

/** Registers this session if it is not, with what its Relay was made with; else says that it lives. */
export async function ensureRegistered(context: Context): Promise<void> {
  if (isSeenLately(context, context.session)) return;
  const agent = await mine(context);
  if (agent && !isSuperseded(context, agent)) await touch(context);
  else await register(context);
}

/** Whether the process that was registered has ended while the session goes on: it acts right now. */
export function isSuperseded({ registration: { pid = 0 } }: Context, agent: Agent): boolean {
  return agent.pid !== pid && processState(agent) === "dead";
}

/** Says that this session lives, if it is registered. */
export async function touch(context: Context): Promise<void> {
  const { store, session, now, seen } = context;
  const key = `agents/${checkSegment(session, "session id")}.seen`;
  if (isSeenLately(context, session) || (await store.markedAt(key)) === undefined) return;
  await store.mark(key, now());
  seen.set(session, now());
}

/** Renews `last_heartbeat`. Never creates. Returns the registration, or undefined if there is none. */
export async function heartbeat(context: Context): Promise<Agent | undefined> {
  const { store, session } = context;
  if (!(await readAgent(store, "agents", session))) return undefined; // a lock would make a relay
  const seconds = Math.floor(context.now() / 1000);
  const beat = await store.update(`agents/${session}`, (agent) => agent && { ...agent, last_heartbeat: seconds });
  if (beat) await store.mark(`agents/${session}.seen`, context.now());
  return beat && Agent.parse(beat, `agents/${session}`);
}

/** Archives this session's registration. Its inbox stays. Returns it, or undefined if there was none. */
export async function unregister(context: Context): Promise<Agent | undefined> {
  const agent = await readAgent(context.store, "agents", context.session);
  context.seen.clear();
  if (agent) await archive(context, agent);
  return agent;
}

/** Archives every registration whose process is known to be dead. Returns those. */
export async function cleanupDead(context: Context): Promise<Agent[]> {
  const dead = (await registrations(context)).filter((agent) => processState(agent) === "dead");
  const gone: Agent[] = [];
  for (const agent of dead) if (await archive(context, agent)) gone.push(agent);
  return gone;
}

/** Ends another's session, if it is still the one that was looked at. */
export function endSession(context: Context, agent: Agent): Promise<boolean> {
  return archive(context, agent);
}

/** Moves a registration to the archive, unless it is no longer the one we looked at. */
async function archive(context: Context, agent: Agent): Promise<boolean> {
  const { store, now } = context;
  const { session_id: session } = agent;
  const ended = { ...agent, ended_at: Math.floor(now() / 1000) };
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
