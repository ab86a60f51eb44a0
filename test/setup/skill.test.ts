import { countTokens } from "gpt-tokenizer/encoding/o200k_base";
import { expect, test } from "vitest";
import { GLOBAL_FLAGS } from "../../src/cli/command.ts";
import { VERBS } from "../../src/cli/verbs.ts";
import { SKILL } from "../../src/setup/skill.ts";

// What a model reads costs its user money each session. Its tokens are counted as one vendor's models have them; others' differ
// by a tenth or so.

test("the skill is at most 400 tokens: a model reads it whole", () => {
  expect(countTokens(SKILL)).toBeLessThanOrEqual(400);
});

test("each command of the skill is one that there is, with flags that it takes", async () => {
  const commands = [...SKILL.matchAll(/agent-relay ([a-z][^`&]*)/g)].map(([, line = ""]) => line.split(" "));
  expect(commands.length).toBeGreaterThan(12);
  for (const [name = "", ...rest] of commands.filter(([word]) => word !== "help")) {
    const { verb } = (await VERBS[name]?.load()) ?? {};
    expect(verb, name).toBeDefined();
    const part = verb?.parts.find((each) => each.name === rest[0]);
    expect(verb?.run !== undefined || part !== undefined, name).toBe(true);
    const known = Object.keys({ ...(part ?? verb)?.flags, ...GLOBAL_FLAGS }).flatMap((text) =>
      text.match(/--[a-z-]+/g),
    );
    for (const flag of rest.filter((word) => word.startsWith("--"))) expect(known, `${name} ${flag}`).toContain(flag);
  }
});
