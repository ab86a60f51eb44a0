import fc from "fast-check";
import { expect, test } from "vitest";
import { cellsOf, cutToCells, padded } from "../../src/cli/cells.ts";
import { table } from "../../src/cli/table.ts";

test("a table with wide characters, pictures and marks broke: its columns begin at the same cell", () => {
  const rows = [
    ["NAME", "DOES"],
    ["日本語のエージェント", "x"],
    ["👩‍👩‍👧", "y"],
    ["e\u0301le\u0301phant", "z"],
  ];
  const lines = table(rows, { columns: 80 }).split("\n");
  const starts = ["DOES", "x", "y", "z"].map((word, row) => cellsOf((lines[row] ?? "").split(word)[0] ?? ""));
  expect(new Set(starts).size).toBe(1);
});

test("a table is cut to its terminal, prose first, and is whole where it is piped", () => {
  const rows = [
    ["NAME", "SESSION", "DOES"],
    [
      "claude-brave-otter",
      "0a1b2c3d-4e5f-6789-abcd-ef0123456789",
      "rewrites the parser, and then the tests ".repeat(4),
    ],
  ];
  for (const line of table(rows, { columns: 80 }).trimEnd().split("\n")) expect(cellsOf(line)).toBeLessThanOrEqual(80);
  expect(table(rows, { columns: 80 })).toContain("0a1b2c3d-4e5f-6789-abcd-ef0123456789");
  const named = table(
    [
      ["NAME", "SESSION", "ROLE", "DOES"],
      ["a".repeat(64), "0".repeat(36), "-", "x".repeat(60)],
    ],
    {
      columns: 80,
    },
  );
  expect(named, "no column says nothing").not.toContain("ROLE");
  expect(named).toMatch(/^a{20,}… {2}0{14,}… {2}x{14,}…$/m);
  for (const line of table(rows, { columns: 40 }).trimEnd().split("\n")) expect(cellsOf(line)).toBeLessThanOrEqual(40);
  expect(table(rows)).toContain("rewrites the parser, and then the tests ".repeat(4).trimEnd());
});

test("text cut to cells is a beginning of whole characters that fits, and padded text is as wide as asked", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 30 }), fc.integer({ min: 1, max: 20 }), (text, cells) => {
      const cut = cutToCells(text, cells);
      expect(cellsOf(cut)).toBeLessThanOrEqual(cells);
      expect(text.startsWith(cut.replace(/…$/, "")) || cut === text).toBe(true);
      expect(cut.isWellFormed()).toBe(true);
      expect(cellsOf(padded(cut, cells))).toBe(cells);
    }),
  );
});
