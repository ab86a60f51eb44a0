import fs from "node:fs";
import { describe, expect, test } from "vitest";
import { Story } from "../support/cli.ts";

const LIVE = ".relay/claims/live.json";

async function held(): Promise<Story> {
  const story = new Story();
  for (const session of ["ann", "bob", "cay"]) await story.as(session, "register");
  await story.as("ann", "claim", "src/a.ts");
  return story;
}

describe("a record of claims that was broken left each holder in the belief that it still holds its files", () => {
  test.each([
    ["by a text that is no JSON", (file: string) => fs.truncateSync(file, 20)],
    ["by JSON of another shape", (file: string) => fs.writeFileSync(file, '{"claims":[{}]}')],
    ["and taken away", (file: string) => fs.rmSync(file)],
  ])("%s", async (_, spoil) => {
    const story = await held();
    spoil(`${story.cwd}/${LIVE}`);
    await story.as("bob", "claims"); // the look that meets it fails
    expect((await story.as("bob", "claim", "src/a.ts")).code).toBe(0);
    await story.as("cay", "claim", "src/c.ts");
    for (const session of ["ann", "bob", "cay"]) {
      const { out } = await story.as(session, "inbox");
      expect(out.match(/nobody holds anything now/g), session).toHaveLength(1);
      expect(out).toContain("Claim again what you work on: agent-relay claim <path>");
    }
    await story.as("ann", "claim", "src/d.ts");
    expect((await story.as("ann", "inbox")).out, "it is told once").not.toContain("nobody holds");
  });

  test("the first claim of all is none that was lost", async () => {
    const story = await held();
    await story.as("bob", "claim", "src/b.ts");
    await story.as("ann", "release", "--all");
    await story.as("ann", "claim", "src/a.ts");
    expect((await story.as("bob", "inbox")).out).not.toContain("nobody holds");
  });
});
