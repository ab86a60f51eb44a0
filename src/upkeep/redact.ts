import { jsonText } from "../text.ts";
import type { Dump } from "./dump.ts";

// The fields that stay, of every kind of record. Any other field may hold free text, from us or from another program:
// only its size stays.
const KEPT_FIELDS = new Set(
  `exported_at project relay agents ended messages claims tasks decisions waits activity
   format id created_at finished_at session_id agent_id pid registered_at last_heartbeat name role pid_started other_processes left_processes cwd status_at
   ended_at presence last_seen told_by looked_at from_session from_agent to_session timestamp read_by sent_at seq kind thread reply_to batch via
   ack_required answer_by hops chain expires_at withdrawn_at receipts read_at acked_at token queue edges targets path leaf
   resource worktree mode claimed_at ttl_ms offered_until since on files priority depends_on state owner claim created_by
   updated_at conditions any quiet event message teller at started decided_at holder ready taken_from forced
   who file limit task_standings abandoned waits_for lost`.split(/\s+/),
);
const MAPS = ["receipts", "waits_for", "lost"]; // keyed by session, or task
const PATHS = ["path", "file", "files", "cwd", "worktree"]; // `targets` are words in the log: their text is left out
const ADDRESS = /[^\s@/]+@[^\s@/]+\.[^\s@/]+/g;
const PATH = /(?:[a-z]:)?(?:[\\/][^\s\\/:"'<>|]+){2,}[\\/]?/gi;

/** The dump without free text, without names of people, and without paths outside the project. */
export function redacted(dump: Dump): Dump {
  const words = [...peopleIn(dump)].sort((a, b) => b.length - a.length);
  const people = new Map(words.map((word, index) => [word, `person-${index + 1}`]));
  const roots = rootsOf(dump);
  const clean = (text: string, isPath = false) => {
    const placed = withRoots(text, roots);
    const nameless = withoutPeople(placed, people);
    return isPath ? withoutPath(nameless) : withoutPaths(nameless);
  };
  const { mark: _, ...relay } = dump.relay; // with it, anyone could make a relay that this machine trusts
  return walk({ ...dump, relay }, clean) as Dump;
}

// For each field that names an agent, the fields beside it that name its session.
const WHO = [
  ["agent_id", ["session_id", "name"]],
  ["from_agent", ["from_session"]],
] as const;

/** Ids and names of people, also of those who are no longer registered. */
function* peopleIn(value: unknown, seen = new Set<string>()): Generator<string> {
  if (typeof value !== "object" || value === null) return;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  for (const [agent, words] of WHO)
    for (const field of fields[agent] === "human" ? words : []) {
      const word = fields[field];
      if (typeof word !== "string" || word === "" || seen.has(word)) continue;
      seen.add(word);
      yield word;
    }
  const { owner } = fields; // of a session from elsewhere: `<user>/<machine>`
  for (const word of typeof owner === "string" ? [owner, ...owner.split("/")] : [])
    if (word !== "" && !seen.has(word)) {
      seen.add(word);
      yield word;
    }
  for (const inner of Object.values(value)) yield* peopleIn(inner, seen);
}

function walk(value: unknown, clean: (text: string, isPath?: boolean) => string, field = ""): unknown {
  if (typeof value === "string") return field === "targets" ? sizeOf(value) : clean(value, PATHS.includes(field));
  if (Array.isArray(value)) return value.map((each) => walk(each, clean, field === "targets" ? "" : field));
  if (typeof value !== "object" || value === null) return value;
  const isMap = MAPS.includes(field);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      clean(key),
      isMap || KEPT_FIELDS.has(key) ? walk(inner, clean, isMap ? "" : key) : sizeOf(inner),
    ]),
  );
}

function sizeOf(value: unknown): unknown {
  if (value === undefined || value === null) return value;
  return `[${Buffer.byteLength(typeof value === "string" ? value : jsonText(value))} bytes]`;
}

function withoutPeople(text: string, people: ReadonlyMap<string, string>): string {
  let result = people.get(text) ?? text;
  for (const [word, instead] of people)
    result = result.replace(
      new RegExp(`(?<![\\w-])${word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?![\\w-])`, "g"),
      instead,
    );
  return result;
}

/** One of the project's folders, and what stands for it. */
interface Root {
  readonly folder: string;
  readonly word: string;
}

/**
 * The folder in which the relay is, and the worktrees in which agents are: a relay may lie elsewhere. What an agent says is
 * believed only of a folder that holds little else.
 */
function rootsOf({ project, agents, ended }: Dump): Root[] {
  const worktrees = new Set([...agents, ...ended].flatMap(({ worktree }) => worktree ?? []));
  const isNarrow = (folder: string) =>
    /^([a-z]:)?([\\/][^\\/]+){2,}$/i.test(folder) && !`${project}/`.startsWith(`${folder}/`);
  const others = [...worktrees].filter(isNarrow).map((folder, index) => ({ folder, word: `<worktree-${index + 1}>` }));
  return [{ folder: project, word: "<project>" }, ...others].sort((a, b) => b.folder.length - a.folder.length);
}

/** Not "/p-other" for "/p": what lies beside a folder is outside of it. */
function withRoots(text: string, roots: readonly Root[]): string {
  return roots.reduce(
    (before, { folder, word }) =>
      before.split(folder).reduce((done, after) => done + (/^[\\/\s:,"']|^$/.test(after) ? word : folder) + after),
    text,
  );
}

/** A field that is a path and nothing else. A path outside the project and an e-mail address are replaced. */
function withoutPath(file: string): string {
  const isOutside = /^([a-z]:|~|[\\/])/i.test(file) || /(^|[\\/])\.\.([\\/]|$)/.test(file);
  return isOutside ? "<outside>" : file.replace(ADDRESS, "<address>");
}

function withoutPaths(text: string): string {
  if (/^([a-z]:)?[\\/]/i.test(text) && !text.includes(", ")) return "<outside>";
  return text.replace(PATH, (path, at: number) =>
    /<(project|worktree-\d+)>$/.test(text.slice(0, at)) || (at > 0 && /[\w.>*-]/.test(text[at - 1] ?? ""))
      ? path
      : "<outside>",
  );
}
