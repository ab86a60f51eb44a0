import type { Entry } from "../activity/entry.ts";
import { cleanLine, cut, jsonText } from "../text.ts";
import { LAST_DATE, localTime } from "../time.ts";
import type { SenderNames } from "./messages.ts";

const MAX_ENTRY_CHARS = 160; // of what an entry says: `explain` shows all

/** One line: when, who, what happened, to what. */
export function entryLine({ at, session_id, agent_id: _, event, id, ...details }: Entry, names: SenderNames): string {
  const time = Number.isNaN(Date.parse(at)) ? at : localTime(Date.parse(at));
  const facts = Object.entries(details)
    .filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name} ${valueWord(name, value, names)}`);
  const short = cut(cleanLine(facts.join(", ")), MAX_ENTRY_CHARS);
  return `${cleanLine(time)} ${cleanLine(names.get(session_id) ?? session_id)} ${cleanLine(event)}${id === undefined ? "" : ` ${cleanLine(id)}`}${short === "" ? "" : `: ${short}`}\n`;
}

/** The sessions that lines of these entries name. */
export function sessionsIn(entries: readonly Entry[]): string[] {
  const named = (entry: Entry) => WHO.map((name) => entry[name]).filter((value) => typeof value === "string");
  return entries.flatMap((entry) => [entry.session_id, ...named(entry)]);
}

const WHO = ["to", "who", "holder", "from", "owner", "taken_from"]; // fields that hold a session

function valueWord(name: string, value: unknown, names: SenderNames): string {
  const time = name.endsWith("_at") ? (typeof value === "string" ? Date.parse(value) : value) : undefined;
  if (typeof time === "number" && Math.abs(time) <= LAST_DATE) return localTime(time);
  if (typeof value === "string") return WHO.includes(name) ? (names.get(value) ?? value) : value;
  return jsonText(value);
}
