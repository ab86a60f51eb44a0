import type { Entry } from "../activity/entry.ts";
import { cleanLine, cut, jsonText } from "../text.ts";
import { iso } from "../time.ts";
import type { SenderNames } from "./messages.ts";

const MAX_ENTRY_CHARS = 160; // of what an entry says: `explain` shows all

/** One line: when, who, what happened, to what. */
export function entryLine({ at, session, agent: _, event, id, ...details }: Entry, names: SenderNames): string {
  const time = at.slice(0, 19).replace("T", " ");
  const facts = Object.entries(details)
    .filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name} ${valueWord(name, value)}`);
  const short = cut(cleanLine(facts.join(", ")), MAX_ENTRY_CHARS);
  return `${cleanLine(time)} ${cleanLine(names.get(session) ?? session)} ${cleanLine(event)}${id === undefined ? "" : ` ${cleanLine(id)}`}${short === "" ? "" : `: ${short}`}\n`;
}

function valueWord(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  const isTime = name.endsWith("_at") && typeof value === "number" && Math.abs(value) <= 8.64e15;
  return isTime ? iso(value).slice(0, 19) : jsonText(value);
}
