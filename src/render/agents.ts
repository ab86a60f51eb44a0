import { cleanLine } from "../text.ts";
import type { Killed } from "../upkeep/kill.ts";

/** The outcome of `killAgent`, as a person or a model reads it. */
export function killedLine({ session_id, pid, has_ended, with_it }: Killed): string {
  const others = with_it.length === 0 ? "" : `, and with it ${with_it.map(cleanLine).join(", ")}`;
  const what = has_ended ? `has ended${others}` : "was asked to end, and still runs";
  return `${cleanLine(session_id)} (pid ${pid}) ${what}\n`;
}
