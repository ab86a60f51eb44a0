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
  return { ...withoutProcesses(fresh), registered_at: live.registered_at, ...fieldsOf([...others, own]) };
}

/** The registration without the process `pid` of this place; undefined if no other is alive. */
export function withoutProcess<A extends Agent>(agent: A, pid: number, place: string): A | undefined {
  const others = processesOf(agent).filter((one) => one.pid !== pid || one.place !== place);
  const alive = others.filter((one) => liveness(one) === "alive");
  return alive.length === 0 ? undefined : { ...withoutProcesses(agent), ...fieldsOf(alive) };
}

/** The registration with no process at all: neither its pid nor its place means anything elsewhere. */
export function withoutProcesses<A extends Agent>(agent: A): A {
  const { pid_started: _, place: __, other_processes: ___, ...rest } = agent;
  return { ...rest, pid: 0 } as A;
}

function fieldsOf([first, ...others]: readonly ProcessIdentity[]) {
  const said = ({ pid, started, place }: ProcessIdentity) => ({
    pid,
    place,
    ...(started === undefined ? {} : { pid_started: started }),
  });
  return { ...(first && said(first)), ...(others.length > 0 && { other_processes: others.map(said) }) };
}
