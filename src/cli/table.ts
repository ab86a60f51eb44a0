import { cellsOf, cutToCells, padded } from "./cells.ts";
import type { Cli } from "./cli.ts";
import { type Paint, paletteOf, presencePaint } from "./palette.ts";

const GAP = "  ";
const MIN_CELLS = 8; // of a column that is cut
const PROSE_CELLS = 20; // of the last one, while others can give

export interface TableLook {
  /** The width of the terminal that it is cut to, in cells; without one it is whole, its cells parted by tabs. */
  readonly columns?: number | undefined;
  /** How its first row is shown. */
  readonly heading?: Paint | undefined;
  /** How a cell of a column is shown, by that column's heading. */
  readonly cells?: Readonly<Record<string, (text: string) => Paint>> | undefined;
}

/** The titles, then a row for each; "-" is a cell that says nothing. */
type Rows = readonly (readonly string[])[];

/** A table for who reads it here. */
export function tableFor(cli: Cli, rows: Rows): string {
  const palette = paletteOf(cli);
  const cells = { PRESENCE: (word: string) => presencePaint(palette, word) };
  return table(rows, { columns: cli.io.columns, heading: palette.heading, cells });
}

/** A table: columns below each other for a terminal, whose last one is not padded; else a line of cells for each row. */
export function table(rows: Rows, look: TableLook = {}): string {
  if (look.columns === undefined) return lines(rows, look, "\t", (text) => text);
  const isTooWide = sum(widthsOf(rows)) > look.columns;
  const shown = isTooWide ? withoutEmpty(rows) : rows;
  const widths = fitted(widthsOf(shown), look.columns);
  return lines(shown, look, GAP, (text, column) => {
    const cut = cutToCells(text, widths[column] ?? 0);
    return column === widths.length - 1 ? cut : padded(cut, widths[column] ?? 0);
  });
}

function lines(rows: Rows, look: TableLook, gap: string, shown: (text: string, column: number) => string): string {
  const { heading = (text) => text, cells = {} } = look;
  const [titles = []] = rows;
  const painted = (row: readonly string[]) => (text: string, column: number) => {
    const paint = row === titles ? heading : cells[titles[column] ?? ""]?.(text);
    return paint ? paint(shown(text, column)) : shown(text, column);
  };
  return rows
    .map(
      (row) =>
        `${row
          .map(painted(row))
          .join(gap)
          .replace(/ +((?:\x1b\[\d+m)*)$/, "$1")}\n`,
    )
    .join("");
}

function widthsOf(rows: Rows): number[] {
  return (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => cellsOf(row[column] ?? ""))));
}

function sum(widths: readonly number[]): number {
  return widths.reduce((all, each) => all + each + GAP.length, -GAP.length);
}

/** The table without the columns that say nothing of anything. */
function withoutEmpty(rows: Rows): Rows {
  const isSaid = (rows[0] ?? []).map((_, column) => rows.some((row, index) => index > 0 && row[column] !== "-"));
  return rows.map((row) => row.filter((_, column) => isSaid[column]));
}

/**
 * Widths that are together no more than `columns`: the last column, which is prose, gives first, then the widest, the first
 * one later than others of its width, since it is what one types.
 */
function fitted(widths: readonly number[], columns: number): number[] {
  const shown = [...widths];
  let over = sum(shown) - columns;
  const give = (column: number, cells: number) => {
    const given = Math.max(0, Math.min(over, cells));
    shown[column] = (shown[column] ?? 0) - given;
    over -= given;
  };
  give(shown.length - 1, (shown.at(-1) ?? 0) - PROSE_CELLS);
  const weights = () => shown.map((width, column) => (width <= MIN_CELLS ? 0 : column === 0 ? width / 2 : width));
  for (let most = Math.max(...weights()); over > 0 && most > 0; most = Math.max(...weights()))
    give(weights().indexOf(most), 1);
  return shown;
}
