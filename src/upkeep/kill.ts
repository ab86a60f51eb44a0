import { type Agent, processOf } from "../agents/agent.ts";
import type { AgentView } from "../agents/registry.ts";
import { errno, RelayError, systemError } from "../errors.ts";
import { hostOf } from "../hosts/detect.ts";
import { ancestors } from "../machine/ancestors.ts";
import { argumentsOf, liveness, place, statOf } from "../machine/process.ts";
import { sleep } from "../time.ts";

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
  sessionOf(word: string): Promise<string>;
  find(session: string): Promise<AgentView | undefined>;
  agents(): Promise<readonly AgentView[]>;
}

/**
 * Asks another session's agent to end, by SIGTERM to its process. The process must be the registered agent by pid,
 * start time and name; a shell, a multiplexer, this session and whatever started it are never signalled. Unread mail is
 * kept. Throws `not_found` for a session that is gone, and `refused`.
 */
export async function killAgent(relay: AgentLookup, word: string): Promise<Killed> {
  const session = await relay.sessionOf(word);
  const agent = await relay.find(session);
  const refuse = (why: string) =>
    new RelayError("refused", `Cannot end "${session}": ${why}`, {
      next: "ask the person who runs it, or write to it",
    });
  if (session === relay.session) throw refuse("that is you");
  if (!agent || agent.presence === "gone")
    throw new RelayError("not_found", `Cannot end "${session}": it has left already`, { next: "agent-relay agents" });
  const known = processOf(agent);
  if (!known) throw refuse("it is not known which process it is");
  if (known.place !== place()) throw refuse("it runs on another machine, or in another container");
  if (known.started === undefined || liveness(known) !== "alive")
    throw refuse(`it is not sure that pid ${known.pid} is still that agent`);
  const name = statOf(known.pid)?.name ?? "";
  const host = hostOf(name, argumentsOf(known.pid));
  if (host?.agent !== agent.agent_id || SHELLS.includes(name))
    throw refuse(`pid ${known.pid} is "${name}", and no process of ${agent.agent_id}`);
  if (ancestors().some(({ pid }) => pid === known.pid)) throw refuse(`pid ${known.pid} has started you`);
  const isSame = (one: Agent) => one.pid === known.pid && one.place === known.place && one.session_id !== session;
  const with_it = (await relay.agents()).filter(isSame).map(({ session_id }) => session_id);
  try {
    process.kill(known.pid, "SIGTERM");
  } catch (error) {
    if (errno(error) !== "ESRCH") throw systemError(`end pid ${known.pid}`, error);
  }
  const begun = performance.now();
  while (liveness(known) === "alive" && performance.now() - begun < END_PATIENCE_MS) await sleep(END_POLL_MS);
  return { session_id: session, pid: known.pid, has_ended: liveness(known) === "dead", with_it };
}
