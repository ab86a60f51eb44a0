import type { Teller } from "../agents/agent.ts";
import type { Hearing } from "../agents/hearing.ts";
import { formatDuration } from "../duration.ts";

const TELLER_WORDS: Readonly<Record<Teller, string>> = { hooks: "its hooks", mcp: "its tools", watch: "a watch" };

/** How a session hears of its mail, for who writes to it. Undefined where that is not known. `now`: Unix ms. */
export function hearingWords({ told_by, looked_at }: Partial<Hearing>, now: number): string | undefined {
  if (told_by === undefined) return undefined;
  if (told_by.length > 0) return `told by ${told_by.map((one) => TELLER_WORDS[one]).join(" and ")}`;
  if (looked_at === undefined) return "it sees this when it looks, which it has not done yet";
  return `it sees this when it looks, last ${formatDuration(now - Date.parse(looked_at))} ago`;
}

/** The same in a word or two, for a table. */
export function hearingCell({ told_by = [], looked_at }: Partial<Hearing>, now: number): string {
  if (told_by.length > 0) return told_by.join(", ");
  return looked_at === undefined ? "-" : `looks (${formatDuration(now - Date.parse(looked_at))})`;
}
