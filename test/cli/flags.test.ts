import * as commander from "commander";
import { expect, test } from "vitest";
import { GLOBAL_OPTIONS, withGlobals } from "../../src/cli/command.ts";
import { VERBS } from "../../src/cli/verbs.ts";

test.each(["send", "inbox", "unread"])("%s has the same flags with and without the command parser", async (name) => {
  const verb = await VERBS[name]?.load();
  const described = verb && withGlobals(verb.describe(commander, () => {})).options;
  const plain = Object.entries({ ...verb?.options, ...GLOBAL_OPTIONS }).map(([long, option]) => ({
    long: `--${long}`,
    short: option.short === undefined ? undefined : `-${option.short}`,
    takesValue: option.type === "string",
  }));
  expect(plain).toEqual(described?.map(({ long, short, required }) => ({ long, short, takesValue: required })));
});
