import type { Message } from "../messages/message.ts";
import type { Relay } from "../relay.ts";
import { messageLines, newNotes, sessionsIn } from "../render/messages.ts";
import { cellsOf, cutToCells, padded } from "./cells.ts";
import type { Cli } from "./cli.ts";
import { type Paint, paletteOf, presencePaint } from "./palette.ts";

const GAP = "  ";
const MIN_CELLS = 8; // of a column that is cut

export interface TableLook {
  /** The width of the terminal that it is cut to, in cells; without one it is whole, its cells parted by tabs. */
  readonly columns?: number | undefined;
  /** How its first row is shown. */
  readonly heading?: Paint | undefined;
  /** How a cell of a column is shown, by that column's heading. */
  readonly cells?: Readonly<Record<string, (text: string) => Paint>> | undefined;
}

/** A table for who reads it here. Its first row are the titles. */
export function tableFor(cli: Cli, rows: readonly (readonly string[])[]): string {
  const palette = paletteOf(cli);
  const cells = { PRESENCE: (word: string) => presencePaint(palette, word) };
  return table(rows, { columns: cli.io.columns, heading: palette.heading, cells });
}

/** A table: columns below each other for a terminal, whose last one is not padded; else a line of cells for each row. */
export function table(rows: readonly (readonly string[])[], look: TableLook = {}): string {
  const { columns, heading = (text) => text, cells = {} } = look;
  const [titles = []] = rows;
  const painted = (text: string, column: number, row: readonly string[], shown = text) => {
    const paint = row === titles ? heading : cells[titles[column] ?? ""]?.(text);
    return paint ? paint(shown) : shown;
  };
  if (columns === undefined)
    return rows.map((row) => `${row.map((text, column) => painted(text, column, row)).join("\t")}\n`).join("");
  const whole = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => cellsOf(row[column] ?? ""))));
  const widths = fitted(whole, columns);
  const cell = (text: string, column: number, row: readonly string[]) => {
    const cut = cutToCells(text, widths[column] ?? 0);
    const shown = column === row.length - 1 ? cut : padded(cut, widths[column] ?? 0);
    return painted(text, column, row, shown);
  };
  return rows
    .map(
      (row) =>
        `${row
          .map((text, column) => cell(text, column, row))
          .join(GAP)
          .replace(/ +((?:\x1b\[\d+m)*)$/, "$1")}\n`,
    )
    .join("");
}

/** Widths that are together no more than `columns`: the last column, which is prose, gives first, then the widest. */
function fitted(widths: readonly number[], columns: number): number[] {
  const shown = [...widths];
  const tooMuch = () => shown.reduce((sum, each) => sum + each + GAP.length, -GAP.length) - columns;
  const give = (column: number) => {
    const width = shown[column] ?? 0;
    if (width > MIN_CELLS) shown[column] = Math.max(MIN_CELLS, width - Math.max(0, tooMuch()));
  };
  give(shown.length - 1);
  for (let turn = 0; turn < shown.length && tooMuch() > 0; turn++) give(shown.indexOf(Math.max(...shown)));
  return shown;
}

/** `data`: what `--json` says, if it is more than the messages. */
export async function tellMessages(
  cli: Cli,
  relay: Relay,
  messages: readonly Message[],
  data: unknown = messages,
): Promise<void> {
  const names = await relay.agents.names(sessionsIn(messages));
  const [me, now] = [relay.session ?? "", cli.now()];
  const lines = messages.map((message) => messageLines(message, me, names, now, newNotes(message, me, now)));
  await cli.say(data, cli.framed(lines));
  if (messages.length === 0) cli.io.err("No messages\n");
}
