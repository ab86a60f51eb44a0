import fs from "node:fs";
import { expect, test } from "vitest";
import { Story } from "../../support/cli.ts";

test.each(["", "."])(
  "a project's own folder, given as --dir '%s', was made a relay, and git ignored all of it",
  async (dir) => {
    const story = new Story();
    fs.writeFileSync(`${story.cwd}/package.json`, "{}");
    const { code, err } = await story.as("a", "send", "--dir", dir, "hello");
    expect(code, err).toBe(dir === "" ? 2 : 6);
    expect(fs.readdirSync(story.cwd)).toEqual(["package.json"]);
  },
);
