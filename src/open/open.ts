import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Agent } from "../agents/agent.ts";
import { readAgent } from "../agents/registry.ts";
import { type Identity, sessionsNamed, whoAmI } from "../agents/whoami.ts";
import type { RelayOptions, Thresholds } from "../context.ts";
import { parseDuration } from "../duration.ts";
import { RelayError } from "../errors.ts";
import { realPath } from "../git/repository.ts";
import { hostOf } from "../hosts/detect.ts";
import { allowedSignersFile, sshProving } from "../identity/ssh-proof.ts";
import { type Ancestor, ancestors, terminalLeader } from "../machine/ancestors.ts";
import { HookCallers } from "../machine/hook-callers.ts";
import { place } from "../machine/process.ts";
import { findProject, type Project } from "../project/find.ts";
import { personHere } from "../project/upstream.ts";
import { FileStore } from "../store/file/file-store.ts";
import { eachReadable } from "../store/read.ts";
import type { Store } from "../store/store.ts";

export interface OpenOptions extends RelayOptions {
  /** The relay's folder, in place of the one that is found. */
  readonly dir?: string | undefined;
  /** Where to look from; default the working folder. */
  readonly cwd?: string | undefined;
  /** The environment to go by; default that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The address of a server that has the relay, in place of files here. */
  readonly server?: string | undefined;
  /** The name that an MCP client gives itself, for an agent that nothing else shows. */
  readonly client?: string | undefined;
}

/** The relay and our session in it, each with the reason for the choice. */
export interface FoundRelay {
  readonly project: Project;
  readonly identity: Identity;
  readonly store: Store;
  /** The clock (Unix ms): the server's, if the relay is on one, since times are compared with those that it wrote. */
  readonly now: () => number;
}

/** Wires a Relay: working folder and environment -> project -> identity. Throws `usage` if we cannot be identified. */
export async function openRelay<Made>(
  options: OpenOptions,
  make: (dir: string, options: RelayOptions) => Made,
): Promise<Made> {
  return relayFor(await findRelay(options), options, make);
}

/** Makes the Relay of a FoundRelay. */
export function relayFor<Made>(
  { project, identity, store, now }: FoundRelay,
  options: OpenOptions,
  make: (dir: string, options: RelayOptions) => Made,
): Made {
  const { dir: _, env: __, server: ___, client: ____, cwd = process.cwd(), ...given } = options;
  const { session, agent, pid, via, isPerson = false } = identity;
  const thresholds = { ...thresholdsFrom(options), ...options.thresholds };
  return make(project.dir, { ...given, session, agent, pid, via, isPerson, cwd, store, thresholds, now });
}

/** The thresholds of `AGENT_RELAY_ACTIVE` and `AGENT_RELAY_SILENT`. Throws `usage` for what is no duration. */
function thresholdsFrom({ env = process.env }: OpenOptions): Partial<Thresholds> {
  const { AGENT_RELAY_ACTIVE: active, AGENT_RELAY_SILENT: silent } = env;
  return { ...(active && { activeMs: parseDuration(active) }), ...(silent && { silentMs: parseDuration(silent) }) };
}

export async function findRelay(options: OpenOptions): Promise<FoundRelay> {
  const { env = process.env } = options;
  const trusted = [...trustedDirs(options), ...(options.trusted ?? [])];
  const server = serverOf(options);
  const above = ancestors();
  const callers = new HookCallers(env);
  const project = server === undefined ? projectOfSession(options, above, callers) : projectAt(server, options);
  const { now = Date.now } = options;
  const remote =
    server === undefined ? undefined : (await import("./remote.ts")).remoteRelay(server, env, now, options.onNotice);
  const read = options.store ?? remote?.store ?? fileStore(project.dir, { ...options, trusted });
  const store = sshProving(read, allowedSignersFile(env, options.cwd ?? process.cwd()));
  const { session, agent, pid, client } = options;
  const leader = terminalLeader();
  const said = {
    hookSessions: (of: number) => callers.of(of).map((one) => one.session),
    ...{ session, agent, pid, env, leader, client },
    ...{ ancestors: above, place: place(), parent: process.ppid },
  };
  const named = sessionsNamed(said) ?? (remote ? [] : undefined); // what a server registers says nothing of our processes
  const facts = {
    ...said,
    registered: project.exists ? await registeredAs(store, named) : [],
    get user() {
      return remote?.person ?? userName(env); // asks the system, so only where nothing else says who we are
    },
  };
  const seen = whoAmI(facts);
  const identity = seen.isPerson ? { ...seen, session: await personHere(store, seen.session) } : seen;
  remote?.actAs(identity.session);
  const clock = remote ? () => now() + Math.round(remote.clockAhead()) : now;
  return { project, identity, store, now: clock };
}

/** The registrations of these sessions, or all. */
async function registeredAs(store: Store, sessions?: readonly string[]): Promise<Agent[]> {
  const found: Agent[] = [];
  const read = (id: string) => readAgent(store, "agents", id);
  for await (const [, agent] of eachReadable(store, sessions ?? (await store.list("agents")), read))
    if (agent) found.push(agent);
  return found;
}

/**
 * The project of the agent that runs us: the one that its session has registered in, if our folder lies in that project
 * (a submodule, a clone within it) or has no relay. An agent that has gone to another project's folder means that one.
 */
function projectOfSession(options: OpenOptions, above: readonly Ancestor[], callers: HookCallers): Project {
  const { cwd = process.cwd(), env = process.env } = options;
  const isTold = options.dir !== undefined || Boolean(env.AGENT_RELAY_DIR);
  const agent = isTold ? undefined : above.find(({ name, args }) => hostOf(name, args) !== undefined);
  const relay = agent && callers.of(agent.pid)[0]?.relay;
  if (!relay || !isRelay(relay)) return projectOf(options);
  const noted = { dir: relay, exists: true, because: "your session is registered there" };
  const isWithin = !path.relative(path.dirname(relay), realPath(cwd)).startsWith("..");
  if (isWithin) return noted;
  const here = projectOf(options);
  return here.exists ? here : noted;
}

function isRelay(folder: string): boolean {
  return fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** A project whose relay is on a server. `dir` is where a local relay would be. */
function projectAt(server: string, options: OpenOptions): Project {
  const because = options.server === undefined ? "AGENT_RELAY_SERVER says so" : "--server says so";
  const { dir } = projectOf({ ...options, dir: undefined, env: { ...options.env, AGENT_RELAY_DIR: undefined } });
  return { dir, exists: true, because, server };
}

/** The address of the server that has the relay; undefined for one in files here. Throws `usage`. */
export function serverOf({ server, dir, env = process.env }: OpenOptions): string | undefined {
  if (server === "") throw new RelayError("usage", "Cannot use no server: --server is empty");
  if (server !== undefined && dir !== undefined)
    throw new RelayError("usage", "Cannot use a --server and a --dir: a relay is at one place");
  return server ?? (dir === undefined ? env.AGENT_RELAY_SERVER || undefined : undefined);
}

export function projectOf({ dir, cwd = process.cwd(), env = process.env }: OpenOptions): Project {
  return findProject({ cwd, dir, envDir: env.AGENT_RELAY_DIR, home: env.HOME ?? env.USERPROFILE });
}

/** Folders of other users that may be used all the same. */
export function trustedDirs({ env = process.env }: OpenOptions): string[] {
  const listed = (env.AGENT_RELAY_TRUST_DIR ?? "").split(path.delimiter).filter((dir) => dir !== "");
  return listed.map((dir) => path.resolve(dir));
}

export function userName(env: Readonly<Record<string, string | undefined>>): string {
  return env.USER || env.LOGNAME || env.USERNAME || os.userInfo().username;
}

/** The files in `dir` as a store. */
export function fileStore(dir: string, { durability, limits, trusted, now, onNotice }: RelayOptions): FileStore {
  return new FileStore(dir, {
    ...(durability === undefined ? {} : { durability }),
    ...(limits?.inboxUnread === undefined ? {} : { inboxLimit: limits.inboxUnread }),
    ...(trusted === undefined ? {} : { trusted }),
    ...(now === undefined ? {} : { now }),
    ...(onNotice === undefined ? {} : { onNotice }),
  });
}
