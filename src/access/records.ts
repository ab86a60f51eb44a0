import { Entry, timeOfEntry } from "../activity/entry.ts";
import { type Collected, mayKnow, OFFERED_MS } from "../activity/tombstones.ts";
import { Decision } from "../decisions/decision.ts";
import { RelayError } from "../errors.ts";
import { MAX_CLOCK_LEAD_MS, timeOf } from "../id.ts";
import { MAX_CONDITIONS, WAIT_TIMEOUT_MS } from "../limits.ts";
import { integer, list, object, record, text } from "../schema.ts";
import { folderOf, nameOf, type Value } from "../store/store.ts";
import { dayOf } from "../time.ts";
import { Wait } from "../waits/wait.ts";
import { agentRule, archiveRule, nameRule } from "./agents.ts";
import { checkTargets, claimsRule } from "./claims.ts";
import { inviteRule, memberRule } from "./members.ts";
import { messageRule } from "./messages.ts";
import { type AccessFacts, type AccessRule, type Caller, checkSize, refused } from "./policy.ts";
import { taskRule } from "./tasks.ts";

const MAX_WAIT_BYTES = 32 * 1024;
/** A wait for these events alone may be read by others: they name no message between others. */
const OPEN_EVENTS = ["released", "ended", "task"];

/** A wait belongs to the session that waits. The server decides its outcome, and tells it. */
const waitRule: AccessRule = {
  mayRead: ({ session }, _, record) =>
    record.session_id === session ||
    (Array.isArray(record.conditions) && record.conditions.every((one) => OPEN_EVENTS.includes(Object(one).event))),
  check({ session }, key, { old, next }, { now }) {
    const [before, after] = [old, next].map((value) => value && Wait.parse(value, key));
    if (after === undefined) throw refused(key, "a wait is removed by the server alone");
    if ([before?.session_id ?? session, after.session_id].some((each) => each !== session))
      throw refused(key, "it is another who waits");
    if (after.id !== nameOf(key) || timeOf(after.id) === undefined) throw refused(key, "its id is not one of a wait");
    if (before && (before.quiet === true) !== (after.quiet === true)) throw refused(key, "it stays as quiet as it is");
    const isTold =
      after.message === undefined || (after.message.startsWith("msg-") && timeOf(after.message) !== undefined);
    if (!isTold) throw refused(key, "it names no message");
    if (after.conditions.length > MAX_CONDITIONS)
      throw new RelayError("limit", `Cannot wait for more than ${MAX_CONDITIONS} things at once`);
    if (Date.parse(after.expires_at) > now + WAIT_TIMEOUT_MS.max + MAX_CLOCK_LEAD_MS)
      throw new RelayError("limit", "Cannot wait so long: a wait lasts up to 7 days");
    for (const { targets = [] } of after.conditions) checkTargets(key, targets);
    checkSize(key, next, MAX_WAIT_BYTES);
  },
};

/** A decision is never changed or removed. */
const decisionRule: AccessRule = {
  check({ session }, key, { old, next }) {
    if (old !== undefined || next === undefined) throw refused(key, "a decision is never changed");
    const { id, session_id } = Decision.parse(next, key);
    if (session_id !== session || id !== nameOf(key)) throw refused(key, "who decides says so itself");
    checkSize(key, next, 64 * 1024);
  },
};

const EDGES = object({ ended: integer(), begun: record(object({ at: integer(), depends_on: list(text()) })) });

/** The record of the edits of task dependencies in progress. */
const edgesRule: AccessRule = {
  check(_, key, { next }) {
    if (next === undefined) throw refused(key, "it stays");
    EDGES.parse(next, key);
    checkSize(key, next, 256 * 1024);
  },
};

/** A record that a session keeps for itself, under its own id. */
const ownRule: AccessRule = {
  mayRead: ({ session }, key) => nameOf(key) === session,
  check({ session }, key, { next }) {
    if (nameOf(key) !== session) throw refused(key, "it is another's");
    checkSize(key, next, 64 * 1024);
  },
};

/** Records that only the operator writes; without `mayRead`, nobody else reads them. */
const kept = (mayRead: boolean): AccessRule => ({
  mayRead: () => mayRead,
  check: (_, key) => {
    throw refused(key, "only where the relay is");
  },
});

/** The relay's own record, shown without the mark by which its machine trusts it: no other machine may have that. */
const relayRule: AccessRule = {
  ...kept(true),
  shown: (_, __, { mark: ___, ...rest }) => rest,
};

/** The access rule of each folder's records. Only the operator uses the records of a folder that is not here. */
const RULES: Readonly<Record<string, AccessRule>> = {
  agents: agentRule,
  "archive/agents": archiveRule,
  names: nameRule,
  messages: messageRule,
  claims: claimsRule,
  tasks: taskRule,
  waits: waitRule,
  decisions: decisionRule,
  ...{ shows: ownRule, greetings: ownRule, daemons: ownRule },
  members: memberRule,
  invites: inviteRule,
  ...{
    mirror: kept(false),
    "mirror/tasks": kept(false),
    invited: kept(false),
    sends: kept(false),
    stamps: kept(false),
  },
};

/** The access rule of single records. */
const SINGLE: Readonly<Record<string, AccessRule>> = {
  relay: relayRule,
  "tasks/edges": edgesRule,
  mirror: kept(false),
};

export function ruleFor(key: string): AccessRule {
  return ruleOf(key) ?? kept(false);
}

/** Whether there is a line here for a record: who may read and write it was decided. */
export function hasRecordRule(key: string): boolean {
  return ruleOf(key) !== undefined;
}

function ruleOf(key: string): AccessRule | undefined {
  if (Object.hasOwn(SINGLE, key)) return SINGLE[key];
  const folder = folderOf(key);
  return Object.hasOwn(RULES, folder) ? RULES[folder] : undefined;
}

const UNLISTED = ["shows", "greetings", "daemons", "invites", "mirror", "mirror/tasks", "invited", "sends", "stamps"];

/** Whether a caller may list the names of a folder's records; of messages, only those that it is an end of. */
export function isListed(folder: string): boolean {
  return Object.hasOwn(RULES, folder) && !UNLISTED.includes(folder);
}

const isCollectedHidden = ({ session }: Caller, line: Value): boolean =>
  typeof line.key !== "string" || !mayKnow(session, line as Collected);

/** Whether the logs of a folder may be read. */
export function isLogFolder(folder: string): boolean {
  return folder === "activity" || folder === "collected";
}

/** Tells which lines of a folder's logs the caller may not see; undefined if it may see none. */
export function hiddenIn(folder: string, caller: Caller): ((line: Value) => boolean) | undefined {
  if (!isLogFolder(folder)) return undefined;
  return folder === "activity" ? () => false : (line) => isCollectedHidden(caller, line);
}

const MAX_LINE_BYTES = 32 * 1024;

/** Throws `refused` for an entry of another session or day, `corrupt` for what is no entry, `limit` for a long one. */
export function checkLine({ session }: Caller, key: string, line: Value, { now }: Pick<AccessFacts, "now">): void {
  if (folderOf(key) !== "activity") throw refused(key, "only where the relay is");
  const entry = Entry.parse(line, key);
  if (entry.session_id !== session) throw refused(key, "who does something says so itself");
  const day = nameOf(key);
  const days = [now - MAX_CLOCK_LEAD_MS, now, now + MAX_CLOCK_LEAD_MS].map(dayOf);
  // A mirror that was offline adds its entries later, each to the log of the day it happened on.
  const isLate = day >= dayOf(now - OFFERED_MS) && day < dayOf(now) && dayOf(timeOfEntry(entry) ?? 0) === day;
  if (!days.includes(day) && !isLate) throw refused(key, "it is the log of another day; set this machine's clock");
  checkSize(key, line, MAX_LINE_BYTES);
}
