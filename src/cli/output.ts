import { frame } from "../lines.ts";
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
