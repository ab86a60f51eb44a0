import { liveness, type ProcessIdentity } from "../machine/process.ts";
import type { Agent } from "./agent.ts";

// The processes that a session runs in. Most have one; it may be resumed in another beside it, and ends with the last.

type ProcessFields = Pick<Agent, "pid" | "pid_started" | "place" | "other_processes">;

/** The session's processes, the first one first; none if its registration does not say enough to judge one. */
export function processesOf({
  pid,
  pid_started: started,
  place,
  other_processes = [],
}: ProcessFields): ProcessIdentity[] {
  const first = pid === 0 || place === undefined ? [] : [{ pid, started, place }];
  return [...first, ...other_processes.map((other) => ({ ...other, started: other.pid_started }))];
}

export function isSameProcess(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.started === b.started && a.place === b.place;
}

/** Whether a session still runs; `unknown` where none of its processes can be seen from here. */
export function processState(agent: Agent): "alive" | "dead" | "unknown" {
  const states = processesOf(agent).map(liveness);
  if (states.includes("alive")) return "alive";
  return states.length > 0 && states.every((state) => state === "dead") ? "dead" : "unknown";
}

/** `fresh` as one more process of the run that it joins; as it is if no other process of that run is alive. */
export function joined<A extends Agent>(live: Agent, fresh: A): A {
  const [own] = processesOf(fresh);
  const others = processesOf(live).filter((one) => own && !isSameProcess(one, own) && liveness(one) === "alive");
  if (!own || others.length === 0) return fresh;
  const { registered_at, left_processes } = live;
  return { ...withFields(fresh, [...others, own]), registered_at, ...(left_processes && { left_processes }) };
}

/** The registration without the process `pid` of this place; undefined if no other is alive. */
export function withoutProcess<A extends Agent>(agent: A, pid: number, place: string): A | undefined {
  const isMeant = (one: ProcessIdentity) => one.pid === pid && one.place === place;
  const alive = processesOf(agent).filter((one) => !isMeant(one) && liveness(one) === "alive");
  if (alive.length === 0) return undefined;
  const left = [...(agent.left_processes ?? []), ...processesOf(agent).filter(isMeant).map(said)].slice(-MAX_LEFT);
  return { ...withFields(agent, alive), left_processes: left };
}

const MAX_LEFT = 16;

/** Whether a process, alive or not, is or was one of this run of the session. */
export function isOfRun(agent: Agent, pid: number, started: number | undefined): boolean {
  const all = [agent, ...(agent.other_processes ?? []), ...(agent.left_processes ?? [])];
  return all.some((one) => one.pid === pid && one.pid_started === started);
}

/** The registration with no process at all: neither its pid nor its place means anything elsewhere. */
export function withoutProcesses<A extends Agent>(agent: A): A {
  const { pid_started: _, place: __, other_processes: ___, left_processes: ____, ...rest } = agent;
  return { ...rest, pid: 0 } as A;
}

function withFields<A extends Agent>(agent: A, [first, ...others]: readonly ProcessIdentity[]): A {
  const fields = { ...(first && said(first)), ...(others.length > 0 && { other_processes: others.map(said) }) };
  return { ...withoutProcesses(agent), ...fields };
}

function said({ pid, started, place }: ProcessIdentity) {
  return { pid, place, ...(started === undefined ? {} : { pid_started: started }) };
}
