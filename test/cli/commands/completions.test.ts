import { spawnSync } from "node:child_process";
import fs from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { Relay } from "../../../src/index.ts";
import { tempDir } from "../../support/cli.ts";
import { environment } from "../../support/command-process.ts";
import { COMMAND, ROOT } from "../../support/paths.ts";

const hasBash = spawnSync("bash", ["-c", "type complete"]).status === 0;
if (!hasBash) console.log("skipped: completions, because there is no bash here");

let script = "";
beforeAll(() => {
  script = spawnSync(process.execPath, [COMMAND, "completions", "bash"], { encoding: "utf8" }).stdout;
});

/** What bash offers for the last of these words, in a project with two agents and some files. */
async function offered(line: string): Promise<string[]> {
  const cwd = tempDir();
  const bin = tempDir();
  fs.symlinkSync(`${ROOT}/bin/agent-relay.cjs`, `${bin}/agent-relay`);
  for (const [session, name] of [
    ["s1", "bob"],
    ["s2", "cho"],
  ] as const)
    await new Relay(`${cwd}/.relay`, { session, durability: "process" }).agents.register({ name });
  const words = line.split(" ").map((word) => `'${word}'`);
  const run = `${script}
    COMP_WORDS=(agent-relay ${words.join(" ")}); COMP_CWORD=${words.length}
    _agent_relay; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", run], {
    ...{ cwd, encoding: "utf8" },
    env: { ...environment(cwd, "a"), PATH: `${bin}:${process.env.PATH}` },
  });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((word) => word !== "");
}

test.skipIf(!hasBash).each<[line: string, words: string[]]>([
  ["unr", ["unread", "unregister"]],
  ["inbox --l", ["--limit"]],
  ["send --kind quest", ["question"]],
  ["send --to ", ["cho", "bob"]],
  ["send -t c", ["cho"]],
  ["kill b", ["bob"]],
  ["task n", ["next", "note"]],
  ["task add --pri", ["--priority"]],
  ["show m", ["mail"]],
  ["setup g", ["gemini"]],
  ["completions ", ["bash", "zsh", "fish"]],
  ["agents --scope m", ["machine"]],
])("after `agent-relay %s` the shell offers what can stand there", async (line, words) => {
  expect(await offered(line)).toEqual(words);
});

test.skipIf(!hasBash).each(["claim ", "claim src/a", "check s", "send --file ", "export --to ", "append "])(
  "after `agent-relay %s` the shell completes files: it is offered nothing else",
  async (line) => {
    expect(await offered(line)).toEqual([]);
    expect(script).toMatch(/^complete -o bashdefault -o default -F _agent_relay agent-relay$/m);
  },
);

test("fish is offered the same, and no file where none can stand", () => {
  const fish = spawnSync(process.execPath, [COMMAND, "completions", "fish"], { encoding: "utf8" }).stdout.split("\n");
  const seen = (verb: string) =>
    `complete -c agent-relay -n "${verb
      .split(" ")
      .map((word) => `__fish_seen_subcommand_from ${word}`)
      .join("; and ")}"`;
  expect(fish).toContain(`${seen("send")} -l to -s t -x -a "(agent-relay agents --names 2>/dev/null)"`);
  expect(fish).toContain(`${seen("completions")} -f -a "bash zsh fish"`);
  expect(fish).toContain(`${seen("claim")} -F`);
  expect(fish).toContain(`${seen("task add")} -l priority -s p -r`);
});
