import type { Message } from "../messages/message.ts";
import type { Relay } from "../relay.ts";
import { frame } from "../render/frame.ts";
import { messageLines, newNotes, sessionsIn } from "../render/messages.ts";
import type { Cli } from "./cli.ts";
import type { Io } from "./io.ts";

/** `frame`, but not for a person at a terminal. */
export function frameFor({ isTerminal }: Io, lines: readonly string[], what: string): string {
  return isTerminal ? lines.join("") : frame(lines, what);
}

/** A table of short cells; the last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

export async function tellMessages(cli: Cli, relay: Relay, messages: readonly Message[]): Promise<void> {
  const names = await relay.names(sessionsIn(messages));
  const [me, now] = [relay.session ?? "", cli.io.now()];
  const lines = messages.map((message) => messageLines(message, me, names, now, newNotes(message, me, now)));
  await cli.say(messages, frame(lines));
  if (messages.length === 0) cli.io.err("No messages\n");
}
