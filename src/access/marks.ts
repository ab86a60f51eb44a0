import { timeOf } from "../id.ts";
import { MAX_DIGEST_AGE_MS } from "../messages/digest.ts";
import type { Value } from "../store/store.ts";
import { type AccessFacts, type Caller, isTheirs } from "./policy.ts";

/** Who may see, make and remove marks. `words` are what the pattern has captured from the key. Pure. */
export interface MarkRule {
  /** Whether the marks of the folder may be listed, watched and read. */
  readonly maySee: (caller: Caller, words: readonly string[]) => boolean;
  /** The records that `mayMark` and `mayUnmark` must see. */
  readonly needs?: (words: readonly string[]) => readonly string[];
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
  [
    /^agents(?:\/(.+)\.(seen|heard|sent|rate|moved))?$/,
    {
      maySee: yes,
      needs: ([session = ""]) => [`agents/${session}`, `archive/agents/${session}`],
      mayMark: ofOwn,
      mayUnmark: (caller, [session = ""], facts) => isTheirs(caller, session, facts),
    },
  ],
  [
    /^claims(?:\/(token))?$/,
    {
      maySee: yes,
      needs: () => ["claims/live"],
      mayMark: (_, __, facts, at) => at !== undefined && at <= Number(facts.records.get("claims/live")?.token),
      mayUnmark: no,
    },
  ],
  [
    /^waits\/(?:pending|due)(?:\/(?:\w{9}-)?(wait-[^/]+))?$/,
    {
      maySee: yes,
      needs: ([id = ""]) => [`waits/${id}`],
      mayMark: (caller, [id], facts) => isWaiters(caller, id, facts),
      mayUnmark: (caller, [id], facts) => isWaiters(caller, id, facts),
    },
  ],
  [/^waits\/([^/]+)(?:\/claims)?$/, { maySee: ofOwn, mayMark: yes, mayUnmark: ofOwn }],
  [/^(?:tasks|waits|decisions|activity|members)$/, { ...shared, mayMark: no, mayUnmark: no }],
  [/^tasks\/(?:open|ready|unsettled|owned|dependents|titles)(?:\/|$)/, shared],
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
  /^(?:inboxes\/[^/]+\/(?:open\/)?(?!open$)[^/]+|threads\/[^/]+\/[^/]+|agents\/[^/]+\.\w+|claims\/token|waits\/(?:pending|due)\/[^/]*wait-[^/]+|waits\/[^/]+\/claims|tasks\/(?:open|ready|unsettled)\/[^/]+|tasks\/(?:owned|dependents|titles)\/[^/]+\/[^/]+|loops\/[^/]+|stamps\/person|hooks\/[^/]+\/[^/]+|daemons\/[^/]+\.alive|edits\/[^/]+)$/;

/** The rule of a mark, or of a folder of marks, and the words that its pattern has captured from the key. */
export function markRuleFor(key: string, what?: "mark"): readonly [rule: MarkRule, words: readonly string[]] {
  if (what && !MARK.test(key)) return [hidden, []];
  for (const [pattern, rule] of RULES) {
    const found = pattern.exec(key);
    if (found) return [rule, found.slice(1)];
  }
  return [hidden, []];
}

function isWaiters({ session }: Caller, id: string | undefined, facts: AccessFacts): boolean {
  const wait = facts.records.get(`waits/${id}`);
  return wait === undefined || wait.session_id === session;
}
