import { expect, test } from "vitest";
import { wordsOf } from "../../src/shell/words.ts";
import { Story } from "../support/cli.ts";
import { TYPED } from "./inputs.ts";

const story = async () => {
  const made = new Story();
  for (const [session, tool] of [
    ["claude-1", "claude"],
    ["gemini-1", "gemini"],
  ] as const)
    await made.as(session, "register", "--agent", tool);
  await made.as(undefined, "register");
  return made;
};

for (const [typed, code, wrong, next] of TYPED)
  test(typed, async () => {
    const ran = await (await story()).as(undefined, ...typed.split("|"));
    const [first = "", second] = ran.err.trimEnd().split("\n").slice(-2);
    expect({ code: ran.code, out: ran.out }, ran.err).toEqual({ code, out: "" });
    expect(first).toContain(wrong);
    expect(second).toBe(`Try: ${next}`);
  });

test.each([
  ["send|@gemini-1|hi", / sent to gemini-/],
  ["claim|--wait|src/db.ts", /^Claimed src\/db\.ts for 30m/],
  ["status|", /^Taken back: nothing stands beside your name/],
  ["claim|../x", /^Claimed .*x for 30m/],
  ["agents|-j", /^\[\n/],
] as const)("%s is done", async (typed, says) => {
  const ran = await (await story()).as(undefined, ...typed.split("|"));
  expect(ran).toMatchObject({ code: 0, out: expect.stringMatching(says) });
  if (typed === "claim|../x") expect(ran.err).toMatch(/^note: outside this project: \//);
});

const ENDLESS = ["serve", "watch", "mirror", "activity --follow", "wait --message"];

/** The first command of an advice, if it has no gap to fill in. */
function commandIn(next: string): string[] | undefined {
  const [first = ""] = next.split(/, |; |: /);
  const isWhole = first.startsWith("agent-relay ") && !/<|\.\.\."/.test(first);
  return isWhole && !ENDLESS.some((verb) => first.includes(verb)) ? wordsOf(first).slice(1) : undefined;
}

test("a command that an error advises is one that there is, with flags that it takes", async () => {
  const advised = new Set(
    TYPED.map(([, , , next]) => commandIn(next)?.join("|")).filter((words) => words !== undefined),
  );
  expect(advised.size).toBeGreaterThan(90);
  const made = await story();
  for (const words of advised)
    expect((await made.as(undefined, ...words.split("|"))).err, words).not.toMatch(
      /unknown option|no such verb|it takes|missing required|no such part|did you mean/,
    );
});
