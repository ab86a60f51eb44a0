import { MAX_CLOCK_LEAD_MS, timeOf } from "../id.ts";
import { MAX_DIGEST_AGE_MS } from "../messages/digest.ts";
import type { Value } from "../store/store.ts";
import { isOver, placeOf, Task, titleKey } from "../tasks/task.ts";
import { type AccessFacts, type Caller, isTheirs } from "./policy.ts";

/** Who may see, make and remove marks. `words` are what the pattern has captured from the key. Pure. */
export interface MarkRule {
  /** Whether the marks of the folder may be listed, watched and read. */
  readonly maySee: (caller: Caller, words: readonly string[]) => boolean;
  /** The records that `mayMark` and `mayUnmark` must see, and the marks whose times they must. */
  readonly needs?: (words: readonly string[]) => readonly string[];
  readonly needsMarks?: readonly string[];
  /** The time of the mark is a number that is no time. */
  readonly isNumber?: boolean;
  readonly mayMark: (caller: Caller, words: readonly string[], facts: AccessFacts, at: number | undefined) => boolean;
  readonly mayUnmark: (caller: Caller, words: readonly string[], facts: AccessFacts) => boolean;
}

const yes = () => true;
const no = () => false;
const ofOwn = ({ session }: Caller, [whose]: readonly string[]) => whose === session;

/** Marks of an index that all sessions share: it may list too much, which any scan mends. */
const shared: MarkRule = { maySee: yes, mayMark: yes, mayUnmark: yes };
const own: MarkRule = { maySee: ofOwn, mayMark: ofOwn, mayUnmark: ofOwn };
const hidden: MarkRule = { maySee: no, mayMark: no, mayUnmark: no };

function messageAt(facts: AccessFacts, id = ""): Value | undefined {
  return facts.records.get(`messages/${id}`);
}

/** Pointers to unread or open messages: for their own session alone, but a sender may remove those to its message. */
const inbox: MarkRule = {
  ...own,
  needs: ([, id = ""]) => [`messages/${id}`],
  mayUnmark: (caller, words, facts) =>
    ofOwn(caller, words) || messageAt(facts, words[1])?.from_session === caller.session,
};

/** The first pattern that matches decides; what it captures from the key are the words. */
const RULES: readonly (readonly [pattern: RegExp, rule: MarkRule])[] = [
  [
    /^inboxes\/all(?:\/([^/]+))?$/,
    {
      ...hidden,
      maySee: yes,
      needs: ([id = ""]) => [`messages/${id}`],
      mayUnmark: ({ session }, [id = ""], facts) =>
        (timeOf(id) ?? facts.now) < facts.now - MAX_DIGEST_AGE_MS || messageAt(facts, id)?.from_session === session,
    },
  ],
  [/^inboxes\/([^/]+)(?:\/open)?(?:\/([^/]+))?$/, inbox],
  [/^threads\/([^/]+)(?:\/([^/]+))?$/, { ...shared, mayUnmark: no }],
  [/^heard\/([^/]+)(?:\/([^/]+))?$/, own],
  [
    /^agents(?:\/(.+)\.(seen|heard|sent|rate|moved))?$/,
    {
      maySee: yes,
      needs: ([session = ""]) => [`agents/${session}`, `archive/agents/${session}`],
      // A sign of life from later than now would be one for as long.
      mayMark: (caller, words, { now }, at = now) =>
        ofOwn(caller, words) && (words[1] !== "seen" || at <= now + MAX_CLOCK_LEAD_MS),
      mayUnmark: (caller, [session = ""], facts) => isTheirs(caller, session, facts),
    },
  ],
  [
    /^claims(?:\/(token))?$/,
    {
      maySee: yes,
      isNumber: true,
      needs: () => ["claims/live"],
      needsMarks: ["claims/token"],
      // It only grows: the tokens of claims go on from it if the ledger is lost.
      mayMark: (_, __, { records, marks }, at) =>
        at !== undefined && at <= Number(records.get("claims/live")?.token) && at >= (marks?.get("claims/token") ?? 0),
      mayUnmark: no,
    },
  ],
  [
    /^waits\/(pending|due)(?:\/(?:\w{9}-)?(wait-[^/]+))?$/,
    {
      maySee: yes,
      needs: ([, id = ""]) => [`waits/${id}`],
      // A quiet wait is none of those that every scan looks at.
      mayMark: (caller, [list, id], facts) =>
        isWaiters(caller, id, facts) && (list === "due" || facts.records.get(`waits/${id}`)?.quiet !== true),
      mayUnmark: (caller, [, id], facts) => isWaiters(caller, id, facts),
    },
  ],
  [/^waits\/([^/]+)(?:\/claims)?$/, { maySee: ofOwn, mayMark: yes, mayUnmark: ofOwn }],
  [/^(?:tasks|waits|decisions|activity|members)$/, { ...shared, mayMark: no, mayUnmark: no }],
  [/^tasks\/(open)(?:\/(.+))?$/, index((task, name) => isOver(task) || placeOf(task) !== name)],
  [
    /^tasks\/(ready)(?:\/(.+))?$/,
    index((task, name) => task.state !== "pending" || task.depends_on.length > 0 || placeOf(task) !== name),
  ],
  [
    /^tasks\/(owned)\/([^/]+\/.+)?$/,
    index((task, name) => task.state !== "in_progress" || task.owner?.session_id !== name.split("/")[0]),
  ],
  [
    /^tasks\/(titles)\/([^/]+\/.+)?$/,
    index((task, name) => isOver(task) || titleKey(task.title) !== name.split("/")[0]),
  ],
  [
    /^tasks\/(dependents)\/([^/]+\/.+)?$/,
    index((task, _, needed) => isOver(task) || !needed || isOver(needed) || !task.depends_on.includes(needed.id)),
  ],
  [/^tasks\/(?:unsettled|owned|dependents|titles)(?:\/|$)/, shared],
  [/^loops\//, { ...shared, mayUnmark: no }],
  [
    /^stamps\/person$/,
    { ...hidden, maySee: yes, mayMark: (_, __, { now }, at) => at === undefined || at <= now + 1000 },
  ],
  [/^(?:hooks|daemons)\/([^/.]+)(?:\/[^/]+|\.alive)?$/, own],
  [/^edits(?:\/\w+\.(.+))?$/, { maySee: yes, mayMark: ofOwn, mayUnmark: ofOwn }],
];

/** The whole key of every mark that exists: a mark at the key of a folder would block everyone from that folder. */
const MARK =
  /^(?:inboxes\/[^/]+\/(?:open\/)?(?!open$)[^/]+|threads\/[^/]+\/[^/]+|heard\/[^/]+\/[^/]+|agents\/[^/]+\.\w+|claims\/token|waits\/(?:pending|due)\/[^/]*wait-[^/]+|waits\/[^/]+\/claims|tasks\/(?:open|ready|unsettled)\/[^/]+|tasks\/(?:owned|dependents|titles)\/[^/]+\/[^/]+|loops\/[^/]+|stamps\/person|hooks\/[^/]+\/[^/]+|daemons\/[^/]+\.alive|edits\/[^/]+)$/;

/** Marks that are made only where the relay is, by who has its files; nobody else sees them. */
const KEPT =
  /^(?:STOP|foreign\/[^/]+|mirror\/agreed(?:-last)?|mirror\/(?:apart|refused)\/[^/]+|stamps\/(?:foreign-(?:look|seen)|hook-due|boot\.[^/]+))$/;

/** Whether there is a line here for a mark: who may make, see and remove it was decided. */
export function hasMarkRule(key: string): boolean {
  return MARK.test(key) || KEPT.test(key);
}

const WATCHED = new Set([
  ...["agents", "claims", "tasks", "tasks/open", "tasks/ready", "waits", "decisions", "activity", "members"],
  "inboxes/all",
]);

/** Whether a folder may be watched: to watch makes it, so only those that the product has, and a session's own. */
export function isWatched(folder: string, { session, isReader = false }: Caller): boolean {
  const isOwn = session !== "" && [`inboxes/${session}`, `waits/${session}`].includes(folder);
  return WATCHED.has(folder) || (isOwn && !isReader);
}

/** The rule of a mark, or of a folder of marks, and the words that its pattern has captured from the key. */
export function markRuleFor(key: string, what?: "mark"): readonly [rule: MarkRule, words: readonly string[]] {
  if (what && !MARK.test(key)) return [hidden, []];
  for (const [pattern, rule] of RULES) {
    const found = pattern.exec(key);
    if (found) return [rule, found.slice(1)];
  }
  return [hidden, []];
}

/**
 * An index of tasks: who lists one may, and one that a record names stays listed until that record says it is over.
 * `other` is the task that the folder is of, if it is of one.
 */
function index(isStale: (task: Task, name: string, other: Task | undefined) => boolean): MarkRule {
  const taskIn = (name: string) => /(?:^|\/)(?:\d{5}-)?(task-[^/]+)$/.exec(name)?.[1] ?? "none";
  const folderTask = (name: string) => taskIn(name.split("/")[0] ?? "");
  return {
    ...shared,
    needs: ([, name = ""]) => [`tasks/${taskIn(name)}`, `tasks/${folderTask(name)}`],
    mayUnmark(_, [, name = ""], { records }) {
      const [task, other] = [taskIn(name), folderTask(name)].map((id) => {
        const record = records.get(`tasks/${id}`);
        return record && Task.parse(record, "tasks");
      });
      return task === undefined || isStale(task, name, other);
    },
  };
}

function isWaiters({ session }: Caller, id: string | undefined, facts: AccessFacts): boolean {
  const wait = facts.records.get(`waits/${id}`);
  return wait === undefined || wait.session_id === session;
}
