import { expect, test } from "vitest";
import { tempDir } from "../support/cli.ts";
import { shell } from "../support/command-process.ts";

test("the invocations of the crate's README work as written", () => {
  const cwd = tempDir();
  const { status, stdout } = shell(
    cwd,
    "",
    `$relay register --agent claude --session claude-1 &&
     $relay register -a gemini -s gemini-1 &&
     $relay send -f gemini-1 -a gemini --to claude-1 "Review the parser" &&
     $relay inbox --session claude-1 && $relay inbox -s claude-1 -l 5 && $relay agents &&
     $relay unread --session claude-1 && $relay cleanup --max-age 3600 && $relay unregister --session gemini-1`,
  );
  expect(stdout).toContain("gemini-");
  expect(stdout).toContain("Review the parser");
  expect(status).toBe(0);
});
