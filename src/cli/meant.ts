import { distance } from "../agents/edit-distance.ts";
import { quoted } from "../shell/quote.ts";

// What a word was meant for that is no verb, or none of a verb's own.

/** By what it is called here: the words of other programs. A gap at the end, such as `<id>`, is for the words that follow. */
const VERBS_MEANT = meanings({
  agents: "who ps ls list peers sessions whois",
  "send <text>": "message msg chat say talk notify broadcast",
  "send --to <who>": "tell ping dm",
  "send --kind question --to <who>": "ask",
  inbox: "mail messages",
  "reply <id>": "answer respond",
  "withdraw <id>": "rm unsend undo",
  "task list": "tasks todo",
  "task done ...": "done",
  "task next": "next",
  "task add <title>": "add",
  "claim <path>": "lock reserve",
  "release <path>": "unlock free unclaim",
  claims: "locks",
  register: "join",
  unregister: "leave",
  "setup ...": "init install",
  "setup --remove ...": "uninstall",
  whoami: "info",
  status: "console ui web dashboard",
  watch: "subscribe listen",
  "activity --follow": "tail feed",
  "--version": "version",
});

/** The same of `task`. */
const PARTS_MEANT = meanings({
  "add <title>": "new create",
  list: "ls",
  "claim <task>": "start take begin",
  "done ...": "complete finish close",
  "cancel <task>": "delete rm remove",
  "release <task>": "give",
  "note <task>": "comment",
  "edit <task>": "update",
});

function meanings(table: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(table).flatMap(([meant, words]) => words.split(" ").map((word) => [word, meant])));
}

/** What a word was meant for; all that are near where it is not sure which. */
export interface Meant {
  /** With its gap for the words that follow. */
  readonly only: string | undefined;
  readonly near: readonly string[];
}

export function verbMeant(word: string, verbs: readonly string[]): Meant {
  return meantIn(VERBS_MEANT, word, verbs);
}

export function partMeant(word: string, parts: readonly string[]): Meant {
  const { only, near } = meantIn(PARTS_MEANT, word, parts);
  return { only: only !== undefined && parts.includes(only.split(" ")[0] ?? "") ? only : undefined, near };
}

function meantIn(table: ReadonlyMap<string, string>, word: string, all: readonly string[]): Meant {
  if (table.has(word)) return { only: table.get(word), near: [] };
  const near = all.filter((each) => isNear(each, word));
  return { only: near.length === 1 ? `${near[0]} ...` : undefined, near };
}

/**
 * Whether two words differ in a third of their letters at most, or in the order of two: of a short one almost anything is
 * two letters away.
 */
export function isNear(one: string, other: string): boolean {
  const [a = "", b = ""] = [one, other].map((word) => word.replace(/^-+/, "").toLowerCase());
  return distance(a, b) <= Math.floor(Math.max(a.length, b.length) / 3) || isSwapped(a, b);
}

function isSwapped(a: string, b: string): boolean {
  const at = [...a].findIndex((letter, index) => letter !== b[index]);
  return at >= 0 && a.slice(0, at) + a.charAt(at + 1) + a.charAt(at) + a.slice(at + 2) === b;
}

const GAP = /(?: --to)? (?:<\w+>|\.\.\.)$/;

/** What was meant, as an error names it. */
export function nameOf(meant: string): string {
  return meant.replace(GAP, "");
}

/** What was meant, with the words that followed in its gap, and with flags if it has none; `...` may be left empty. */
export function withRest(meant: string, rest: readonly string[]): string {
  const gap = / (?:<\w+>|\.\.\.)$/;
  if (!gap.test(meant)) return [meant, ...rest.filter((word) => word.startsWith("-")).map(quoted)].join(" ");
  const isFilled = rest.length > 0 || meant.endsWith(" ...");
  return isFilled ? meant.replace(gap, rest.map((word) => ` ${quoted(word)}`).join("")) : meant;
}
