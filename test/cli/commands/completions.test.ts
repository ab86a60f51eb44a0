import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { tempDir } from "../../support/cli.ts";
import { environment } from "../../support/command-process.ts";
import { COMMAND } from "../../support/paths.ts";

test("the completions of a shell that is here complete verbs and flags", () => {
  const cwd = tempDir();
  if (spawnSync("bash", ["-c", "type complete"]).status !== 0) return console.log("skipped: no bash here");
  const script = `eval "$($relay completions bash)"; COMP_WORDS=(agent-relay inbox --l); COMP_CWORD=2; _agent_relay; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(agent-relay unr); COMP_CWORD=1; _agent_relay; echo "\${COMPREPLY[@]}"`;
  const env = { ...environment(cwd, "a"), relay: `${process.execPath} ${COMMAND}` };
  expect(spawnSync("bash", ["-c", script], { cwd, env, encoding: "utf8" }).stdout).toBe("--limit\nunread unregister\n");
});
