import { describe, expect, test } from "vitest";
import { Agent, checkName, isSameRun, presence } from "../../src/agents/agent.ts";
import { namesFor } from "../../src/agents/names.ts";
import { processesOf } from "../../src/agents/processes.ts";
import { THRESHOLDS } from "../../src/context.ts";
import { iso } from "../../src/time.ts";

const NOON = Date.parse("2026-03-01T12:00:00.000Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const ann: Agent = {
  ...{
    session_id: "ann",
    agent_id: "claude",
    pid: 42,
    registered_at: NOON / 1000,
    last_heartbeat: NOON / 1000,
    metadata: {},
  },
  ...{ pid_started: 7, place: "here" },
};

describe("presence", () => {
  const table: [number, "alive" | "dead" | "unknown", "active" | "idle" | "gone"][] = [
    [0, "alive", "active"],
    [15 * MINUTE - 1, "alive", "active"],
    [15 * MINUTE, "alive", "idle"],
    [100 * HOUR, "alive", "idle"],
    [0, "unknown", "active"],
    [15 * MINUTE - 1, "unknown", "active"],
    [15 * MINUTE, "unknown", "idle"],
    [2 * HOUR - 1, "unknown", "idle"],
    [2 * HOUR, "unknown", "gone"],
    [0, "dead", "gone"],
    [100 * HOUR, "dead", "gone"],
    [-5 * MINUTE, "alive", "active"], // its clock is ahead
    [-5 * MINUTE, "unknown", "active"],
  ];
  test.each(table)("silent for %d ms with a process that is %s: %s", (silence, process, expected) => {
    expect(presence(ann, { seen: NOON - silence, process }, NOON)).toBe(expected);
  });

  test("one that has ended is gone, whatever its process does", () => {
    expect(presence({ ...ann, ended_at: iso(NOON) }, { seen: NOON, process: "alive" }, NOON)).toBe("gone");
  });

  test("the thresholds are 15 minutes and 2 hours, and can be others", () => {
    expect(THRESHOLDS).toEqual({ activeMs: 15 * MINUTE, silentMs: 2 * HOUR });
    const quick = { activeMs: 10, silentMs: 20 };
    const silentFor = (silence: number) => presence(ann, { seen: NOON - silence, process: "unknown" }, NOON, quick);
    expect([silentFor(9), silentFor(10), silentFor(19), silentFor(20)]).toEqual(["active", "idle", "idle", "gone"]);
  });

  test("one whose last sign of life is years ahead of the clock is not active for years", () => {
    expect(presence(ann, { seen: Date.parse("2099-01-01"), process: "unknown" }, NOON)).not.toBe("active");
  });
});

describe("a registration", () => {
  test("of the crate, with its six fields, is read", () => {
    const theirs = {
      session_id: "s",
      agent_id: "claude",
      pid: 4_000_000_000,
      registered_at: 1,
      last_heartbeat: 2,
      metadata: null,
    };
    expect(Agent.parse(theirs, "a")).toEqual(theirs);
  });

  test.each([{ pid: -1 }, { pid: 2 ** 32 }, { pid: 1.5 }, { pid: "1" }, { session_id: 1 }, { last_heartbeat: null }])(
    "with %j is none",
    (fields) => {
      expect(() => Agent.parse({ ...ann, ...fields }, "a")).toThrow(expect.objectContaining({ code: "corrupt" }));
    },
  );

  test("names a process only if it says where its pid means something", () => {
    expect(processesOf(ann)).toEqual([{ pid: 42, started: 7, place: "here" }]);
    expect(processesOf({ ...ann, pid: 0 })).toEqual([]);
    const { place: _, ...theirs } = ann;
    expect(processesOf(theirs)).toEqual([]);
  });

  test("is of the same run as another only if process, start, place and time of registration agree", () => {
    expect(isSameRun(ann, { ...ann, last_heartbeat: 1, name: "other" })).toBe(true);
    for (const other of [{ pid: 43 }, { pid_started: 8 }, { place: "there" }, { registered_at: 1 }])
      expect(isSameRun(ann, { ...ann, ...other }), JSON.stringify(other)).toBe(false);
  });
});

describe("names", () => {
  test.each(["a", "claude-brave-otter", "0", "a.b_c-d", "x".repeat(64)])("%s can be a name", (name) => {
    expect(checkName(name)).toBe(name);
  });

  test.each([
    "",
    "A",
    "-a",
    ".a",
    "a.",
    "a b",
    "a/b",
    "../a",
    "é",
    "a\n",
    "all",
    "human",
    "operator",
    "system",
    "ALL",
    "System",
    "con",
    "nul.x",
  ])("%j cannot", (name) => {
    expect(() => checkName(name)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  test("one of 65 bytes is past the limit, and the error stays short for one of a million", () => {
    expect(() => checkName("x".repeat(65))).toThrow(expect.objectContaining({ code: "limit" }));
    try {
      checkName("x".repeat(1_000_000));
    } catch (error) {
      expect(String(error).length).toBeLessThan(500);
    }
  });

  test("names that are made up are good ones, the same for the same session, and others for another", () => {
    const of = (session: string) => [...namesFor("claude", session)].slice(0, 30);
    expect(of("s-1")).toEqual(of("s-1"));
    expect(of("s-1")).not.toEqual(of("s-2"));
    for (const name of of("s-1")) expect(checkName(name)).toMatch(/^claude-[a-z]+-[a-z]+(-\d+)?$/);
  });

  test("a thousand tries for one session give nearly a thousand names", () => {
    expect(new Set(namesFor("claude", "s")).size).toBeGreaterThan(980);
  });

  test.each([
    ["Claude Code!", /^claude-code-[a-z]+-[a-z]+$/],
    ["../..", /^agent-[a-z]+-[a-z]+$/],
    ["", /^agent-[a-z]+-[a-z]+$/],
    ["x".repeat(200), /^x{32}-[a-z]+-[a-z]+$/],
    [`${"x".repeat(31)}!y`, /^x{31}-[a-z]+-[a-z]+$/],
  ])("a tool called %j gives names that begin with a word of it", (tool, expected) => {
    const [name = ""] = namesFor(tool, "s");
    expect(checkName(name)).toMatch(expected);
  });
});
