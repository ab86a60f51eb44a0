import fs from "node:fs";
import path from "node:path";
import { Agent } from "../agents/agent.ts";
import { hearing } from "../agents/hearing.ts";
import { processState } from "../agents/processes.ts";
import { formatDuration } from "../duration.ts";
import { KNOWN_HOSTS } from "../hosts/known.ts";
import { timeOf } from "../id.ts";
import { cleanLine } from "../text.ts";
import type { DoctorTarget, Finding } from "./finding.ts";
import { readable } from "./readable.ts";

const LATE_MS = 900_000; // an agent at work looks, or ends a turn, in less

/** Agents that mail waits for, which nothing tells of it, and which have not looked since. Those that ended hear when they are back. */
export function backlogs({ dir, now }: DoctorTarget): Finding[] {
  return namesIn(path.join(dir, "agents"))
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      const session = name.slice(0, -".json".length);
      const agent = readable(path.join(dir, "agents", name), Agent, session);
      if (!agent || agent.agent_id === "human" || agent.owner !== undefined || processState(agent) === "dead")
        return [];
      const { told_by, looked_at } = hearing(agent.hears, 0, now);
      const waiting = namesIn(path.join(dir, "inboxes", session)).flatMap((id) => timeOf(id) ?? []);
      if (told_by.length > 0 || waiting.length === 0 || Math.min(...waiting) > now - LATE_MS) return [];
      const looked =
        looked_at === undefined ? "has not looked yet" : `looked ${formatDuration(now - Date.parse(looked_at))} ago`;
      const hasHooks = KNOWN_HOSTS.some((host) => host.agent === agent.agent_id);
      return [
        {
          what: `${cleanLine(session)} has ${waiting.length} unread, nothing tells it of mail, and it ${looked}`,
          next: `${hasHooks ? `let its host tell it: agent-relay setup ${agent.agent_id}; or ` : ""}have it run: agent-relay inbox`,
        },
      ];
    });
}

function namesIn(folder: string): string[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
}
