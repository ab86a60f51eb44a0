import { formatLeft } from "../duration.ts";
import { isUpForWork, isWorkedOn } from "../tasks/standings.ts";
import { cleanLine, cut } from "../text.ts";
import type { Snapshot } from "../views/snapshot.ts";
import { sayConditions } from "../waits/wait.ts";
import { claimWords } from "./claims.ts";
import { namesOf } from "./messages.ts";

const MAX_PER_KIND = 6; // of each kind
const MAX_SAID_CHARS = 80; // of what one says

/** Who we are, and how to use the relay, with no text of others in it. `command` stands for one that is not in PATH. */
export function greeting(found: Snapshot, session: string, command?: string): string[] {
  const others = found.agents.filter((agent) => agent.session_id !== session && agent.presence !== "gone");
  const alone = others.length === 0 ? "; nobody else is here yet" : "";
  return [
    `You are ${cleanLine(namesOf(found.agents).get(session) ?? session)} on this project's agent-relay${alone}.\n`,
    'Mail: agent-relay inbox. Write: agent-relay send --to <name> "...". Before you edit what others may edit: agent-relay claim <path>.\n',
    ...(command === undefined ? [] : [`agent-relay is not in PATH here: write ${cleanLine(command)} in its place.\n`]),
  ];
}

/** Who else is here, what they do, what is claimed, and what waits. It has text of others in it. */
export function briefing(found: Snapshot, session: string, now: number): string[] {
  const names = namesOf(found.agents);
  const call = (who: string) => (who === session ? "you" : cleanLine(names.get(who) ?? who));
  const others = found.agents.filter((agent) => agent.session_id !== session && agent.presence !== "gone");
  const mine = found.claims.filter((claim) => claim.session_id === session);
  const theirs = found.claims.filter((claim) => claim.session_id !== session);
  const inWork = found.tasks.filter((task) => isWorkedOn(task, found.task_standings));
  const free = found.tasks.filter((task) => isUpForWork(task, found.task_standings));
  return [
    line(
      "here",
      others.map(
        (agent) => `${call(agent.session_id)}${agent.status === undefined ? "" : ` (${short(agent.status)})`}`,
      ),
    ),
    line(
      "claimed",
      theirs.map(
        (claim) =>
          `${short(claimWords(claim))} by ${call(claim.session_id)} for ${formatLeft(Date.parse(claim.expires_at) - now)}`,
      ),
    ),
    line(
      "you hold",
      mine.map((claim) => `${short(claimWords(claim))} for ${formatLeft(Date.parse(claim.expires_at) - now)}`),
    ),
    line(
      "your tasks",
      inWork.filter((task) => task.owner?.session_id === session).map((task) => `${task.id} ${short(task.title)}`),
    ),
    line(
      "in work",
      inWork
        .filter((task) => task.owner?.session_id !== session)
        .map((task) => `${short(task.title)} by ${call(task.owner?.session_id ?? "")}`),
    ),
    line(
      "to do (agent-relay task next)",
      free.map((task) => short(task.title)),
    ),
    line(
      "you wait for",
      found.waits
        .filter((wait) => wait.session_id === session)
        .map((wait) => short(sayConditions(wait.conditions, wait.any, call))),
    ),
  ].filter((each) => each !== "");
}

function line(title: string, of: readonly string[]): string {
  if (of.length === 0) return "";
  const more = of.length > MAX_PER_KIND ? `; and ${of.length - MAX_PER_KIND} more` : "";
  return `${title}: ${of.slice(0, MAX_PER_KIND).join("; ")}${more}\n`;
}

function short(text: string): string {
  return cut(cleanLine(text), MAX_SAID_CHARS);
}
