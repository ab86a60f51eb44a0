import type { Dump } from "./dump.ts";

// What people and agents wrote freely, whatever record it stands in.
const WRITTEN = ["content", "text", "title", "description", "reason", "status", "notes", "metadata", "outcome", "for"];
const PATH = /(?:[a-z]:)?(?:[\\/][^\s\\/:"'<>|]+){2,}[\\/]?/gi;

/** The same without what was written, without names of people, and without paths outside the project. */
export function redacted(dump: Dump): Dump {
  const words = [...peopleIn(dump)].sort((a, b) => b.length - a.length);
  const people = new Map(words.map((word, index) => [word, `person-${index + 1}`]));
  const clean = (text: string) => withoutPaths(withoutPeople(text, people), dump.project);
  const { mark: _, ...relay } = dump.relay; // with it, anyone could make a relay that this machine trusts
  return walk({ ...dump, relay }, clean) as Dump;
}

// Who did what, in the words of every kind of record.
const WHO = [
  ["agent_id", ["session_id", "name"]],
  ["from_agent", ["from_session"]],
  ["agent", ["session", "name"]],
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
  for (const inner of Object.values(value)) yield* peopleIn(inner, seen);
}

function walk(value: unknown, clean: (text: string) => string): unknown {
  if (typeof value === "string") return clean(value);
  if (Array.isArray(value)) return value.map((each) => walk(each, clean));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      clean(key),
      WRITTEN.includes(key) ? sizeOf(inner) : walk(inner, clean),
    ]),
  );
}

function sizeOf(value: unknown): unknown {
  if (value === undefined || value === null) return value;
  return `[${Buffer.byteLength(typeof value === "string" ? value : JSON.stringify(value))} bytes]`;
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

function withoutPaths(text: string, project: string): string {
  if (text === project) return "<project>";
  // Not "/p-other" for "/p": what lies beside a project is outside.
  const marked = text.split(project).reduce((before, after) => {
    return before + (/^[\\/\s:,"']|^$/.test(after) ? "<project>" : project) + after;
  });
  if (/^([a-z]:)?[\\/]/i.test(marked) && !marked.includes(", ")) return "<outside>";
  return marked.replace(PATH, (path, at: number) =>
    marked.slice(0, at).endsWith("<project>") || (at > 0 && /[\w.>*-]/.test(marked[at - 1] ?? "")) ? path : "<outside>",
  );
}
