import type { Entry } from "../activity/entry.ts";
import { sayTargets } from "../claims/claim.ts";
import { sentAt } from "../messages/message.ts";
import { proofWords } from "../messages/proof-words.ts";
import { beginning } from "../text.ts";
import type { Dump } from "./dump.ts";

export const SECTIONS = ["sessions", "mail", "claims", "tasks", "decisions", "timeline"] as const;
export type Section = (typeof SECTIONS)[number];

const MAX_MESSAGES = 100;
const MAX_EVENTS = 200;

/** One section of a dump as Markdown. Text that agents wrote is escaped, so that it stays data. */
export function markdown(dump: Dump, section: Section): string {
  const names = new Map(
    [...dump.ended, ...dump.agents].map(({ session_id, name }) => [session_id, name ?? session_id]),
  );
  const lines = VIEWS[section](dump, (session) => word(names.get(session) ?? session));
  const title = `${section[0]?.toUpperCase()}${section.slice(1)}`;
  return `# ${title}\n\n${lines.length === 0 ? "None.\n" : lines.map((line) => `${line}\n`).join("")}`;
}

const VIEWS: Readonly<Record<Section, (dump: Dump, call: (session: string) => string) => string[]>> = {
  sessions: ({ agents, ended }) => [
    ...agents.map(
      (agent) =>
        `- ${word(agent.name ?? agent.session_id)} (${word(agent.session_id)}, ${word(agent.agent_id)}): ${agent.presence}, seen ${time(Date.parse(agent.last_seen))}${agent.status === undefined ? "" : `, ${word(agent.status)}`}`,
    ),
    ...ended.map(
      (agent) =>
        `- ${word(agent.name ?? agent.session_id)} (${word(agent.session_id)}, ${word(agent.agent_id)}): left ${time(Date.parse(agent.ended_at ?? ""))}`,
    ),
  ],
  mail: ({ messages }, call) =>
    messages
      .slice(-MAX_MESSAGES)
      .reverse()
      .map(
        (message) =>
          `- ${time(sentAt(message))} ${word(message.id)} [${message.kind ?? "info"}] ${call(message.from_session)} to ${message.to_session === null ? "all" : call(message.to_session)}${proofWords(
            message,
          )
            .map((said) => `, ${word(said)}`)
            .join("")}: ${word(message.content)}`,
      ),
  claims: ({ claims }, call) =>
    claims.claims.map(
      (claim) =>
        `- ${word(sayTargets(claim.targets))}: ${call(claim.session_id)} until ${time(Date.parse(claim.expires_at))}${claim.reason === undefined ? "" : ` (${word(claim.reason)})`}`,
    ),
  tasks: ({ tasks, task_standings: { abandoned } }, call) =>
    tasks.map(
      (task) =>
        `- [${task.state === "done" ? "x" : " "}] ${word(task.title)} (${word(task.id)}, ${abandoned.includes(task.id) ? "abandoned" : task.state}${task.owner === undefined ? "" : `, ${call(task.owner.session_id)}`})`,
    ),
  decisions: ({ decisions }, call) =>
    decisions.map(
      (decision) =>
        `- ${time(Date.parse(decision.decided_at))} ${call(decision.session_id)}: ${word(decision.content)}`,
    ),
  timeline: ({ activity }, call) => activity.slice(-MAX_EVENTS).map((entry) => eventLine(entry, call)),
};

function eventLine({ at, session_id, event, id = "", ...details }: Entry, call: (session: string) => string): string {
  const said = ABOUT.map((name) => details[name]).find((value) => typeof value === "string");
  const about = typeof said === "string" ? `: ${word(beginning(said, MAX_SAID_CHARS))}` : "";
  return `- ${word(at)} ${call(session_id)} ${word(event)} ${word(id)}`.trimEnd() + about;
}

const ABOUT = ["text", "title", "targets", "name", "who", "reason"]; // an event is about the first of these it has
const MAX_SAID_CHARS = 160;

/** A text on one line, escaped so that nothing in it means anything to Markdown or HTML. */
function word(text: string): string {
  return text.replace(/\s+/g, " ").replace(/[\\`*_[\]<>#|!]/g, "\\$&");
}

function time(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "at no time" : date.toISOString().replace(/\.\d+Z$/, "Z");
}
