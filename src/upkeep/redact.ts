import type { Dump } from "./dump.ts";

// What people and agents wrote freely, whatever record it stands in.
const WRITTEN = ["content", "text", "title", "description", "reason", "status", "notes", "metadata", "outcome", "for"];
const PATH = /(?:[a-z]:)?(?:[\\/][^\s\\/:"'<>|]+){2,}[\\/]?/gi;

/** The same without what was written, without names of people, and without paths outside the project. */
export function redacted(dump: Dump): Dump {
  const people = new Map<string, string>();
  for (const agent of [...dump.agents, ...dump.ended])
    if (agent.agent_id === "human")
      for (const word of [agent.session_id, agent.name])
        if (word !== undefined && !people.has(word)) people.set(word, `person-${people.size + 1}`);
  const clean = (text: string) => withoutPaths(withoutPeople(text, people), dump.project);
  return walk(dump, clean) as Dump;
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
  const marked = text.replaceAll(project, "<project>");
  return marked.replace(PATH, (path, at: number) =>
    marked.slice(0, at).endsWith("<project>") || (at > 0 && /[\w.>*-]/.test(marked[at - 1] ?? "")) ? path : "<outside>",
  );
}
