import { expect, test } from "vitest";
import { cellsOf } from "../../src/cli/cells.ts";
import { Story } from "../support/cli.ts";

const ESCAPE = "\u001b[";
const plain = (text: string) => text.replaceAll(/\u001b\[\d+m/g, "");

/** A person's terminal in a project where one agent is here and one is gone; without `columns` it writes to a pipe. */
async function atTerminal(env: Readonly<Record<string, string>>, columns: number | undefined) {
  const story = new Story();
  for (const session of ["claude-1", "codex-1"]) await story.as(session, "register", "--agent", "codex");
  await story.as("claude-1", "claim", "src", "--ttl", "8h", "--reason", "a long reason 🙂 ".repeat(9));
  await story.as("codex-1", "status", "名前の長いエージェント".repeat(4));
  story.now += 3 * 3_600_000;
  await story.as("claude-1", "heartbeat");
  return Object.assign(story, { env, isTerminal: true, columns });
}

test("to a person at a terminal, what it means has a colour, and says it in words too", async () => {
  const { out } = await (await atTerminal({}, 80)).as(undefined, "agents");
  expect(out).toContain(`${ESCAPE}1mNAME`);
  expect(out).toMatch(/\u001b\[32mactive +\u001b/);
  expect(out).toMatch(/\u001b\[2mgone +\u001b/);
});

test.each([
  ["with NO_COLOR", { NO_COLOR: "1" }, 80],
  ["in a dumb terminal", { TERM: "dumb" }, 80],
  ["in a pipe", {}, undefined],
] as const)("%s nothing has a colour, unless FORCE_COLOR says so", async (_, env, columns) => {
  for (const verb of ["agents", "status", "claims"]) {
    expect((await (await atTerminal(env, columns)).as(undefined, verb)).out).not.toContain(ESCAPE);
    const forced = await (await atTerminal({ ...env, FORCE_COLOR: "1" }, columns)).as(undefined, verb);
    expect(forced.out).toContain(ESCAPE);
  }
});

test("a model is shown no colour, whatever its terminal", async () => {
  const story = await atTerminal({ FORCE_COLOR: "1" }, 80);
  for (const verb of ["agents", "status", "claims"])
    expect((await story.as("claude-1", verb)).out).not.toContain(ESCAPE);
});

test.each([80, 160, 40])("colours change neither a table's words nor its width: %d columns", async (columns) => {
  for (const verb of ["agents", "status", "claims"]) {
    const coloured = await (await atTerminal({}, columns)).as(undefined, verb);
    const without = await (await atTerminal({ NO_COLOR: "1" }, columns)).as(undefined, verb);
    expect(plain(coloured.out)).toBe(without.out);
    if (columns >= 80) for (const line of without.out.split("\n")) expect(cellsOf(line)).toBeLessThanOrEqual(columns);
  }
});
