import type { Claim } from "../claims/claim.ts";
import { formatLeft } from "../duration.ts";
import { shortId, withShortIds } from "../id.ts";
import { isUpForWork, isWorkedOn } from "../tasks/standings.ts";
import type { Task } from "../tasks/task.ts";
import { cleanLine, cut } from "../text.ts";
import type { Snapshot } from "../views/snapshot.ts";
import { sayConditions } from "../waits/wait.ts";
import { claimWords, waiterLine } from "./claims.ts";
import { callsIn, namesOf, type SenderNames } from "./messages.ts";

const MAX_PER_KIND = 5; // of each kind
const SAID_CHARS = 80;

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

/**
 * Who else is here, what they do, what is claimed, and who waits for what: a line for each, none for what there is none of.
 * `width`: characters of what one says. It has text of others in it.
 */
export function briefing(found: Snapshot, session: string | undefined, now: number, width = SAID_CHARS): string[] {
  const names = namesOf(found.agents);
  const call = (who = "") => (who === session ? "you" : cleanLine(names.get(who) ?? who));
  const short = (text: string) => cut(cleanLine(text), width);
  const isMine = (one: { readonly session_id: string }) => one.session_id === session;
  const isOthers = (one: { readonly session_id: string }) => !isMine(one);
  const held = (claim: Claim) => formatLeft(Date.parse(claim.expires_at) - now);
  const inWork = found.tasks.filter((task) => isWorkedOn(task, found.task_standings));
  const blocked = found.tasks.filter((task) => task.state === "blocked");
  const others = found.agents.filter((agent) => isOthers(agent) && agent.presence !== "gone");
  const isLost = ({ id }: Task) => found.task_standings.abandoned.includes(id);
  return [
    line(
      "here",
      others.map(({ session_id, status }) => `${call(session_id)}${status === undefined ? "" : ` (${short(status)})`}`),
    ),
    line(
      "claimed",
      found.claims.filter(isOthers).map((one) => `${short(claimWords(one))} by ${call(one.session_id)} ${held(one)}`),
    ),
    line(
      "you hold",
      found.claims.filter(isMine).map((one) => `${short(claimWords(one))} ${held(one)}`),
    ),
    line(
      "your tasks",
      inWork.filter(({ owner }) => owner && isMine(owner)).map(({ id, title }) => `${shortId(id)} ${short(title)}`),
    ),
    line(
      "in work",
      inWork
        .filter(({ owner }) => !owner || isOthers(owner))
        .map(({ title, owner }) => `${short(title)} by ${call(owner?.session_id)}`),
    ),
    line(
      "to do (agent-relay task next)",
      found.tasks
        .filter((task) => isUpForWork(task, found.task_standings))
        .map((task) => `${short(task.title)}${isLost(task) ? " (abandoned)" : ""}`),
      found.task_count - inWork.length - blocked.length,
    ),
    line(
      "blocked",
      blocked.map(({ title, reason }) => `${short(title)}${reason === undefined ? "" : ` (${short(reason)})`}`),
    ),
    line(
      "you wait for",
      found.waits.filter(isMine).map((wait) => short(withShortIds(sayConditions(wait.conditions, wait.any, call)))),
    ),
    line(
      "waiting",
      waitingLines({ ...found, waits: found.waits.filter(isOthers) }, names).map((one) => cut(one, 2 * width)),
    ),
  ].filter((each) => each !== "");
}

/** A line for each who waits: in line for a claim, for somebody's answer, or to be told of something. */
export function waitingLines({ queue, waiting, waits }: Snapshot, names: SenderNames): string[] {
  const call = (session: string) => cleanLine(names.get(session) ?? session);
  return [
    ...queue.map((one) => waiterLine(one, names)),
    ...waiting.map((one) => `${call(one.session_id)} waits for ${cleanLine(one.for)} (${one.on.map(call).join(", ")})`),
    ...waits.map(
      (one) =>
        `${call(one.session_id)} is told of ${cleanLine(withShortIds(sayConditions(one.conditions, one.any, callsIn(names))))} (${shortId(one.id)})`,
    ),
  ];
}

/** `all`: how many there are, where `of` may be the first of them. */
function line(title: string, of: readonly string[], all = of.length): string {
  const shown = of.slice(0, MAX_PER_KIND);
  const more = all > shown.length ? ` (+${all - shown.length} more)` : "";
  return of.length === 0 ? "" : `${title}: ${shown.join("; ")}${more}\n`;
}
