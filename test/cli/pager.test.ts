import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { expect, test } from "vitest";
import { hostOf } from "../../src/hosts/detect.ts";
import { ancestors } from "../../src/machine/ancestors.ts";
import { Story, tempDir } from "../support/cli.ts";
import { environment } from "../support/command-process.ts";
import { COMMAND } from "../support/paths.ts";

/** A person's terminal of 80 by 24 in a project with so many messages for them. */
async function atTerminal(count: number, env: Readonly<Record<string, string>> = {}): Promise<Story> {
  const story = new Story();
  await story.as(undefined, "register");
  for (let n = 0; n < count; n++) await story.as("claude-1", "send", "--to", "human", `message ${n}`);
  return Object.assign(story, { env, isTerminal: true, columns: 80, rows: 24 });
}

test("what a person reads at a terminal is shown by their pager where it is longer than the screen", async () => {
  const long = await atTerminal(30);
  expect(await long.as(undefined, "history", "--limit", "30")).toMatchObject({ code: 0, out: "" });
  expect(long.paged).toEqual([{ text: expect.stringContaining("message 29"), command: ["less"] }]);
  const short = await atTerminal(3);
  expect((await short.as(undefined, "history")).out).toContain("message 2");
  expect(short.paged).toEqual([]);
});

test("a line that the terminal breaks counts as the lines that it takes", async () => {
  const story = await atTerminal(1);
  await story.as("claude-1", "send", "--to", "human", "日本語 ".repeat(300));
  await story.as(undefined, "history");
  expect(story.paged).toHaveLength(1);
});

test.each([
  [{ PAGER: "more -s" }, ["more", "-s"]],
  [{ PAGER: "more", AGENT_RELAY_PAGER: '"/opt/my pager" -x' }, ["/opt/my pager", "-x"]],
  [{ AGENT_RELAY_PAGER: "" }, undefined],
  [{ PAGER: "cat" }, undefined],
  [{ PAGER: "more", TERM: "dumb" }, undefined],
])("the pager of %j is %j", async (env, command) => {
  const story = await atTerminal(30, env);
  const { out } = await story.as(undefined, "history", "--limit", "30");
  expect(story.paged).toEqual(command === undefined ? [] : [{ text: expect.any(String), command }]);
  expect(out === "").toBe(command !== undefined);
});

test("no pager is shown to an agent that has a terminal, nor in a pipe, nor for JSON, nor where none is there", async () => {
  const story = await atTerminal(30);
  for (const words of [["history", "--limit", "30"], ["help"], ["send", "--help"]])
    expect((await story.as("claude-1", ...words)).out.split("\n").length, words.join(" ")).toBeGreaterThan(24);
  expect((await story.as(undefined, "history", "--limit", "30", "--json")).out).toContain("message 29");
  expect(story.paged).toEqual([]);
  const piped = Object.assign(await atTerminal(30), { columns: undefined, rows: undefined });
  expect((await piped.as(undefined, "history", "--limit", "30")).out).toContain("message 29");
  expect(piped.paged).toEqual([]);
  const none = Object.assign(await atTerminal(30), { paged: undefined });
  expect((await none.as(undefined, "history", "--limit", "30")).out).toContain("message 29");
});

const hasScript = spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0;
const hasAgent = ancestors().some(({ name, args }) => hostOf(name, args));
if (!hasScript || hasAgent)
  console.log(`skipped: a real terminal, because ${hasAgent ? "an agent runs this" : "there is no script here"}`);

test.skipIf(!hasScript || hasAgent)(
  "in a real terminal, the pager gets all of it, and without one it is printed",
  () => {
    const cwd = tempDir();
    fs.writeFileSync(`${cwd}/pager`, '#!/bin/sh\ncat > paged\necho "left the pager"\n', { mode: 0o755 });
    const typed = (pager: string) => {
      const line = `stty rows 24 cols 80; "${process.execPath}" "${COMMAND}" help`;
      const { stdout } = spawnSync("script", ["-qec", line, "/dev/null"], {
        ...{ cwd, encoding: "utf8", timeout: 20_000 },
        env: { ...environment(cwd, ""), TERM: "xterm", HOME: cwd, AGENT_RELAY_PAGER: pager },
      });
      return stdout;
    };
    expect(typed("./pager")).toBe("left the pager\r\n");
    expect(fs.readFileSync(`${cwd}/paged`, "utf8")).toContain("agent-relay send");
    expect(typed("./no-such-pager")).toContain("agent-relay send");
  },
);
