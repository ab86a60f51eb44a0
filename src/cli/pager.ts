import { hostOf } from "../hosts/detect.ts";
import { ancestors } from "../machine/ancestors.ts";
import { wordsOf } from "../shell/words.ts";
import { cellsOf } from "./cells.ts";
import type { Io } from "./io.ts";

const ESCAPES = /\x1b\[[0-9;]*m/g;

/** Prints what a person at a terminal reads: by their pager where it is longer than the screen. */
export async function printPaged(io: Io, text: string): Promise<void> {
  const command = isLonger(text, io) ? pagerOf(io.env) : [];
  if (command.length === 0 || !(await io.page?.(text, command))) await io.out(text);
}

/** The same for who has no relay open: an agent, which may have a terminal too, is shown no pager. */
export async function printHelp(io: Io, text: string): Promise<void> {
  const isPerson = io.isTerminal && !io.env.AGENT_RELAY_SESSION && isLonger(text, io) && !hasAgentAbove();
  await (isPerson ? printPaged(io, text) : io.out(text));
}

function hasAgentAbove(): boolean {
  return ancestors().some(({ name, args }) => hostOf(name, args));
}

function isLonger(text: string, { columns, rows }: Io): boolean {
  if (columns === undefined || rows === undefined) return false;
  const lines = text.replace(ESCAPES, "").trimEnd().split("\n");
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(cellsOf(line) / columns)), 0) >= rows;
}

/** The words of the person's pager, as git and man find it; none for none. */
function pagerOf(env: Io["env"]): string[] {
  const command = env.AGENT_RELAY_PAGER ?? env.PAGER ?? (process.platform === "win32" ? "more" : "less");
  return env.TERM === "dumb" || command.trim() === "cat" ? [] : wordsOf(command);
}
