import { RelayError } from "../errors.ts";
import { hostNamed, hostOf } from "../hosts/detect.ts";
import type { HostProcess } from "../hosts/host.ts";
import { KNOWN_HOSTS } from "../hosts/known.ts";
import type { Ancestor } from "../machine/ancestors.ts";
import { isSegment } from "../store/key.ts";

/** What a registration says about a process. */
export interface Registered {
  readonly session_id: string;
  readonly agent_id: string;
  readonly pid: number;
  readonly pid_started?: number;
  readonly place?: string;
  readonly other_processes?: readonly { readonly pid: number; readonly pid_started?: number; readonly place: string }[];
}

/** The facts that decide which session we are. */
export interface IdentityFacts {
  readonly session?: string | undefined;
  readonly agent?: string | undefined;
  readonly pid?: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The processes above ours, the nearest first; empty where they cannot be seen. */
  readonly ancestors: readonly Ancestor[];
  /** The leader of our terminal session, if there is a terminal and the leader is not brand-new. */
  readonly leader?: Ancestor | undefined;
  readonly place: string;
  readonly registered: readonly Registered[];
  /** The sessions that a process calls hooks for, the latest first. */
  readonly hookSessions?: (pid: number) => readonly string[];
  readonly user: string;
  /** The name that a client of our tools gives itself. */
  readonly client?: string | undefined;
  /** The pid of our parent process; used where no better ancestor is seen. */
  readonly parent?: number | undefined;
}

export interface Identity {
  readonly session: string;
  readonly agent: string;
  /** The agent's process, 0 if not known. */
  readonly pid: number;
  /** Why, for a person to read. */
  readonly because: string;
  /** True: nobody said who we are, and no agent runs us: it is the person whose files these are. */
  readonly isPerson?: boolean;
  /** The agent that runs this process, where it acts as another one, or as a person. */
  readonly via?: string | undefined;
}

/**
 * Decides which session we are, by the first that applies: `session` or AGENT_RELAY_SESSION; the nearest ancestor that
 * is a known agent or a registered process, with that host's own variable; one host's variable alone; the client of our
 * tools; the person at the keyboard. Throws `usage` where that cannot be told.
 */
export function whoAmI(facts: IdentityFacts): Identity {
  if (facts.session === "")
    throw new RelayError("usage", "Cannot act for a session without a name: --session is empty");
  const told = facts.session ?? facts.env.AGENT_RELAY_SESSION;
  if (told !== undefined && told !== "") {
    const because = facts.session === undefined ? "AGENT_RELAY_SESSION says so" : "--session says so";
    const seen = identity(facts, told, agentOf(facts, told), nearest(facts), because);
    return isOfTerminal(seen, facts) ? { ...seen, pid: 0 } : seen;
  }

  const near = nearest(facts);
  if (near) return byAncestor(facts, near);

  const marked = KNOWN_HOSTS.filter((host) => host.markers.some((marker) => facts.env[marker]));
  const [host, other] = marked;
  if (facts.client !== undefined && (host === undefined || other !== undefined)) return byClient(facts, facts.client);
  if (host && other)
    throw cannotTell(
      `${marked.map((each) => each.agent).join(" and ")} both left variables here, and neither is a parent`,
    );
  if (host) return byVariable(facts, host);
  const because = "no agent is a parent of this process, so you are a person";
  return { ...identity(facts, wordFrom(facts.user, "person"), "human", undefined, because), isPerson: true };
}

/**
 * The sessions whose registrations `whoAmI` needs, where the facts name them: to read every registration costs more with
 * each session. Undefined where any registered process may be the nearest agent.
 */
export function sessionsNamed(facts: Omit<IdentityFacts, "registered" | "user">): string[] | undefined {
  const told = facts.session ?? facts.env.AGENT_RELAY_SESSION;
  const variables = KNOWN_HOSTS.flatMap(({ sessionVariable: name }) => (name === undefined ? [] : [facts.env[name]]));
  const valid = (words: readonly (string | undefined)[]) =>
    words.filter((one) => one !== undefined && isSegment(one)) as string[];
  if (told) return valid([told, ...variables]);
  const at = facts.ancestors.findIndex(({ name, args }) => hostOf(name, args) !== undefined);
  const process = facts.ancestors[at];
  if (!process || !facts.ancestors.slice(0, at).every(({ name }) => LAUNCHER.test(name))) return undefined;
  const named = valid([...variables, ...(facts.hookSessions?.(process.pid) ?? [])]);
  return named.length > 0 ? named : undefined;
}

/** The nearest ancestor that is an agent, and what is known of it. */
interface NearestAgent {
  readonly process: Ancestor;
  readonly host: HostProcess | undefined;
  readonly registered: Registered | undefined;
}

function nearest(facts: IdentityFacts): NearestAgent | undefined {
  for (const process of facts.ancestors) {
    const host = hostOf(process.name, process.args);
    const registered = facts.registered.find(
      (agent) => isSegment(agent.session_id) && isProcess(agent, process, facts.place) && agent.agent_id !== "human",
    );
    if (host || registered) return { process, host, registered };
  }
  return undefined;
}

function byAncestor(facts: IdentityFacts, near: NearestAgent): Identity {
  const { process, host, registered } = near;
  const seen = `the nearest agent above this process is ${host?.agent ?? registered?.agent_id} (pid ${process.pid})`;
  const agent = facts.agent ?? host?.agent ?? registered?.agent_id ?? "agent";
  const variable = host?.sessionVariable;
  const value = variable === undefined ? undefined : facts.env[variable];
  const called = facts.hookSessions?.(process.pid) ?? [];
  if (value && isSegment(value) && !isInherited(facts, value, near) && !isOfTheStart(facts, value, called))
    return identity(facts, value, agent, near, `${seen}, and ${variable} is set`);
  const [latest] = called.filter(isSegment);
  if (latest !== undefined) return identity(facts, latest, agent, near, `${seen}, which calls hooks for that session`);
  if (registered) return identity(facts, registered.session_id, agent, near, `${seen}, which is registered`);
  return identity(facts, standIn(agent, process), agent, near, `${seen}, named by its pid and start time`);
}

/** The session that a process is for the others as long as nothing has told which of its agent's sessions it is. */
export function standIn(agent: string, { pid, started }: Pick<Ancestor, "pid" | "started">): string {
  return `${agent}-${pid.toString(36)}-${started.toString(36)}`;
}

/**
 * Whether a variable holds the session that its process began with, and the process has gone on to another. A server of
 * tools keeps its environment for as long as it runs; a command has that of its session, of which a process may have many.
 */
function isOfTheStart({ client }: IdentityFacts, session: string, called: readonly string[]): boolean {
  if (called.length === 0) return false;
  return client === undefined ? !called.includes(session) : called[0] !== session;
}

/** Whether a variable's session id is that of an agent farther up, inherited: agents start agents of their own kind. */
function isInherited(facts: IdentityFacts, session: string, near: NearestAgent): boolean {
  const owner = facts.registered.find((agent) => agent.session_id === session);
  if (!owner || isProcess(owner, near.process, facts.place)) return false;
  return facts.ancestors.some((process) => process !== near.process && isProcess(owner, process, facts.place));
}

/** Whether `owner` is the session of an agent farther up, which started the nearest one: variables are inherited. */
export function isOuters(owner: Registered, ancestors: readonly Ancestor[], place: string): boolean {
  const [, ...outer] = ancestors.filter(({ name, args }) => hostOf(name, args) !== undefined);
  return outer.some((process) => isProcess(owner, process, place));
}

function byVariable(facts: IdentityFacts, host: HostProcess): Identity {
  const variable = host.sessionVariable;
  const value = variable === undefined ? undefined : facts.env[variable];
  const agent = facts.agent ?? host.agent;
  if (value && isSegment(value))
    return identity(facts, value, agent, undefined, `${variable} is set, and no other agent's variable`);
  const { leader } = facts;
  if (!leader) throw cannotTell(`${host.agent} started this process, and does not say which of its sessions`);
  return identity(
    facts,
    standIn(agent, leader),
    agent,
    undefined,
    `${host.agent} left its variables here; named by this terminal's first process`,
  );
}

/** Whether the process of a named agent is only guessed, as the shell of the terminal: a person types there as well. */
function isOfTerminal({ agent, pid }: Identity, facts: IdentityFacts): boolean {
  const { leader } = facts;
  const isGuess = facts.pid === undefined && leader?.pid === pid && nearest(facts) === undefined;
  return isGuess && agent !== "human" && LAUNCHER.test(leader?.name ?? "");
}

const LAUNCHER = /^((ba|da|z|fi|k)?sh|env|npm .*|npx|pnpm|yarn|bunx|cmd|powershell|pwsh)$/;

/** The identity of an unknown agent that calls our tools: it is no person. */
function byClient(facts: IdentityFacts, client: string): Identity {
  const agent = wordFrom(client.slice(0, 60), "agent"); // a session id has at most 120 characters
  const process = facts.ancestors.find(({ name }) => !LAUNCHER.test(name));
  const pid = process?.pid ?? facts.parent ?? 0;
  const session = [agent, pid.toString(36), ...(process ? [process.started.toString(36)] : [])].join("-");
  return { session, agent, pid: facts.pid ?? pid, because: `${agent} (pid ${pid}) calls our tools` };
}

function identity(
  facts: IdentityFacts,
  session: string,
  agent: string,
  near: NearestAgent | undefined,
  because: string,
): Identity {
  const host = near?.host ?? KNOWN_HOSTS.find((each) => each.agent === agent);
  const fromVariable = pidFrom(host?.pidVariable === undefined ? undefined : facts.env[host.pidVariable]);
  const isOurs = near === undefined || facts.ancestors.some((process) => process.pid === fromVariable);
  const pid = facts.pid ?? ((isOurs && fromVariable) || near?.process.pid || facts.leader?.pid || 0);
  return { session, agent, pid, because, via: disguised(facts, agent, near) };
}

/** The agent that runs this process, if it is not `agent`. */
function disguised(facts: IdentityFacts, agent: string, near: NearestAgent | undefined): string | undefined {
  const marked = KNOWN_HOSTS.find((host) => host.markers.some((marker) => facts.env[marker]));
  const runs = near?.host?.agent ?? near?.registered?.agent_id ?? (facts.leader ? undefined : marked?.agent);
  return runs === agent ? undefined : runs;
}

/** Which tool a session is, if only its id was given. */
function agentOf(facts: IdentityFacts, session: string): string {
  const registered = facts.registered.find((agent) => agent.session_id === session);
  const host =
    hostNamed(session) ??
    nearest(facts)?.host ??
    KNOWN_HOSTS.find((each) => each.markers.some((marker) => facts.env[marker]));
  const client = facts.client === undefined ? "human" : wordFrom(facts.client, "agent");
  return facts.agent ?? registered?.agent_id ?? host?.agent ?? client;
}

function isProcess(agent: Registered, process: Ancestor, place: string): boolean {
  return [agent, ...(agent.other_processes ?? [])].some(
    (one) => one.place === place && one.pid === process.pid && one.pid_started === process.started,
  );
}

function cannotTell(why: string): RelayError {
  return new RelayError("usage", `Cannot tell which session this is: ${why}`, {
    next: "give it with --session, or set AGENT_RELAY_SESSION",
  });
}

/** A foreign name as part of a session id, or `otherwise` if none can be made of it. */
function wordFrom(name: string, otherwise: string): string {
  const word = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/^[.-]+|[.-]+$/g, "");
  return isSegment(word) && word !== "all" ? word : otherwise;
}

/** The pid in a variable's value, 0 if it holds none. */
function pidFrom(text: string | undefined): number {
  const pid = Number(text);
  return Number.isInteger(pid) && pid > 0 && pid <= 0x7fffffff ? pid : 0;
}
