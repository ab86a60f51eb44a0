import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "../src/duration.ts";

describe("reading a duration", () => {
  test.each([
    ["500ms", 500],
    ["10s", 10_000],
    ["5m", 300_000],
    ["1h", 3_600_000],
    ["2d", 172_800_000],
    ["1.5h", 5_400_000],
    ["0.5s", 500],
    ["0", 0],
    [" 7 ", 7000],
    ["30", 30_000],
  ])("%j is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each([
    "",
    " ",
    "s",
    "5 m",
    "-5s",
    "+5s",
    "1e3",
    "5w",
    "5M",
    "1h30m",
    "1.",
    ".5s",
    "٣s",
    "Infinity",
    "constructor",
    "5constructor",
  ])("%j is refused with an example of what to write", (text) => {
    expect(() => parseDuration(text)).toThrow(
      expect.objectContaining({ code: "usage", message: expect.stringContaining("10s, 5m, 1h or 2d") }),
    );
  });
});

test("a length of time that no clock can count is refused", () => {
  for (const text of ["9007199254740993", "104249991375d", `${"9".repeat(400)}d`])
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: "usage" }));
});

describe("saying a duration", () => {
  test.each([
    [0, "0s"],
    [-5000, "0s"],
    [999, "0s"],
    [59_999, "59s"],
    [60_000, "1m"],
    [3_599_999, "59m"],
    [3_600_000, "1h"],
    [48 * 3_600_000 - 1, "47h"],
    [48 * 3_600_000, "2d"],
    [10 * 86_400_000, "10d"],
  ])("%d ms is %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
