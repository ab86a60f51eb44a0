import { isSameProcess, processesOf } from "../agents/processes.ts";
import type { AgentView } from "../agents/registry.ts";
import { errno, RelayError, systemError } from "../errors.ts";
import { hostOf } from "../hosts/detect.ts";
import { ancestors } from "../machine/ancestors.ts";
import { argumentsOf, liveness, type ProcessIdentity, place, statOf } from "../machine/process.ts";
import { sleep, steady } from "../time.ts";

const END_PATIENCE_MS = 5000; // that an agent is given to end
const END_POLL_MS = 50;
const SHELLS = ["sh", "bash", "dash", "zsh", "fish", "ksh"]; // refused by process name, whatever their arguments say

export interface Killed {
  readonly session_id: string;
  readonly pid: number;
  /** Whether the process ended within `END_PATIENCE_MS`. */
  readonly has_ended: boolean;
  /** The other sessions of the same process, which end with it. */
  readonly with_it: readonly string[];
}

/** The methods of a Relay that look sessions up. */
interface AgentLookup {
  readonly session: string | undefined;
  readonly agents: {
    resolve(word: string): Promise<string>;
    find(session: string): Promise<AgentView | undefined>;
    list(): Promise<readonly AgentView[]>;
  };
}

/**
 * Asks another session's agent to end, by SIGTERM to its processes. Each must be the registered agent by pid,
 * start time and name; a shell, a multiplexer, this session and whatever started it are never signalled. Unread mail is
 * kept. Throws `not_found` for a session that is gone, and `refused`.
 */
export async function killAgent(relay: AgentLookup, word: string): Promise<Killed> {
  const session = await relay.agents.resolve(word);
  const agent = await relay.agents.find(session);
  const refuse = (why: string) =>
    new RelayError("refused", `Cannot end "${session}": ${why}`, {
      next: "ask the person who runs it, or write to it",
    });
  if (session === relay.session) throw refuse("that is you");
  if (!agent || agent.presence === "gone")
    throw new RelayError("not_found", `Cannot end "${session}": it has left already`, { next: "agent-relay agents" });
  const running = processesOf(agent).filter((one) => liveness(one) !== "dead");
  const [first] = running;
  if (!first) throw refuse("it is not known which process it is");
  for (const known of running) checkIsAgent(known, agent.agent_id, refuse);
  const isOfThem = (one: AgentView) =>
    processesOf(one).some((its) => running.some((known) => isSameProcess(its, known)));
  const others = (await relay.agents.list()).filter((one) => one.session_id !== session && isOfThem(one));
  for (const { pid } of running) terminate(pid);
  const begun = steady();
  const isOver = () => running.every((known) => liveness(known) === "dead");
  while (!isOver() && steady() - begun < END_PATIENCE_MS) await sleep(END_POLL_MS);
  const with_it = others.map(({ session_id }) => session_id);
  return { session_id: session, pid: first.pid, has_ended: isOver(), with_it };
}

/** Throws `refused` unless a process of this place is, for certain, one of that agent that may be ended from here. */
function checkIsAgent(known: ProcessIdentity, agent: string, refuse: (why: string) => RelayError): void {
  if (known.place !== place()) throw refuse("it runs on another machine, or in another container");
  if (known.started === undefined || liveness(known) !== "alive")
    throw refuse(`it is not sure that pid ${known.pid} is still that agent`);
  const name = statOf(known.pid)?.name ?? "";
  if (hostOf(name, argumentsOf(known.pid))?.agent !== agent || SHELLS.includes(name))
    throw refuse(`pid ${known.pid} is "${name}", and no process of ${agent}`);
  if (ancestors().some(({ pid }) => pid === known.pid)) throw refuse(`pid ${known.pid} has started you`);
}

function terminate(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    if (errno(error) !== "ESRCH") throw systemError(`end pid ${pid}`, error);
  }
}
