import { isName } from "../agent.ts";
import type { Names } from "../lines.ts";
import type { AgentView } from "../roster.ts";

/** How sessions are called, by names that the relay itself would take: a record written by hand may hold any text. */
export function namesOf(agents: readonly AgentView[]): Names {
  return new Map(
    agents.map(({ session_id, name }) => [session_id, name !== undefined && isName(name) ? name : session_id]),
  );
}
