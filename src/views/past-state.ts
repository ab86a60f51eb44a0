import { type Entry, timeOfEntry } from "../activity/entry.ts";
import { entries } from "../activity/log.ts";
import type { Context } from "../context.ts";

/** Who was here, who held what, and how the tasks stood, as far as the log says. */
export interface PastState {
  readonly agents: readonly {
    readonly session_id: string;
    readonly agent_id: string;
    /** What it said that it does. */
    readonly status?: string | undefined;
  }[];
  readonly claims: readonly {
    readonly id: string;
    /** The session that had it. */
    readonly holder: string;
    /** What was claimed, in words. */
    readonly targets: string;
  }[];
  readonly tasks: readonly { readonly id: string; readonly state: string; readonly title?: string | undefined }[];
}

/** The state after these entries, the oldest first, at a time (Unix ms). */
export function stateAfter(entries: readonly Entry[], time: number): PastState {
  const agents = new Map<string, PastState["agents"][number]>();
  const claims = new Map<string, { id: string; holder: string; targets: string; ends: number }>();
  const tasks = new Map<string, { id: string; state: string; title?: string | undefined }>();
  for (const entry of entries) {
    if ((timeOfEntry(entry) ?? 0) > time) continue;
    const { event, session_id, agent_id, id = "" } = entry;
    const text = (name: string) => (typeof entry[name] === "string" ? entry[name] : undefined);
    if (event === "agent.left") agents.delete(text("who") ?? session_id);
    else if (event === "agent.registered" || event === "status")
      agents.set(session_id, {
        session_id,
        agent_id,
        status: event === "status" ? text("text") : agents.get(session_id)?.status,
      });
    else if (/^claim\.(taken|renewed|reduced)$/.test(event))
      claims.set(id, {
        id,
        holder: text("holder") ?? session_id,
        targets: text("targets") ?? "",
        ends: typeof entry.expires_at === "string" ? Date.parse(entry.expires_at) : Number(entry.expires_at),
      });
    else if (/^claim\.(released|expired|lost)$/.test(event)) claims.delete(id);
    else if (event.startsWith("task."))
      tasks.set(id, { id, state: text("state") ?? "", title: text("title") ?? tasks.get(id)?.title });
  }
  const isHeld = ({ ends }: { ends: number }) => !(ends <= time);
  return {
    agents: [...agents.values()],
    claims: [...claims.values()].filter(isHeld).map(({ id, holder, targets }) => ({ id, holder, targets })),
    tasks: [...tasks.values()].filter(({ state }) => state !== "done" && state !== "cancelled"),
  };
}

/** Who was here, who held what, and how the tasks stood at a time (Unix ms), as far as the log goes back. */
export async function stateAt(context: Context, time: number): Promise<PastState> {
  const log = await entries(context, { until: time });
  return stateAfter(log.entries, time);
}
