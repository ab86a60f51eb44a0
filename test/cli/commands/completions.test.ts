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

/** What a shell says that runs these lines in a project with two agents, a message and a task. */
async function saidBy(shell: string, lines: string): Promise<string[]> {
  const cwd = tempDir();
  const bin = tempDir();
  fs.symlinkSync(`${ROOT}/bin/agent-relay.cjs`, `${bin}/agent-relay`);
  const relay = (session: string) => new Relay(`${cwd}/.relay`, { session, durability: "process" });
  await relay("s1").agents.register({ name: "bob" });
  await relay("s2").agents.register({ name: "cho" });
  await relay("s2").send("hello");
  await relay("s2").tasks.add("Parse");
  const { stdout, stderr } = spawnSync(shell, ["-c", lines], {
    ...{ cwd, encoding: "utf8" },
    env: { ...environment(cwd, "a"), HOME: cwd, PATH: `${bin}:${process.env.PATH}` },
  });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((word) => word !== "");
}

/** What bash offers for the last of these words. */
function offered(line: string): Promise<string[]> {
  const words = line.split(" ").map((word) => `'${word}'`);
  const run = `${script}
    COMP_WORDS=(agent-relay ${words.join(" ")}); COMP_CWORD=${words.length}
    _agent_relay; printf '%s\\n' "\${COMPREPLY[@]}"`;
  return saidBy("bash", run);
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
  ["completions ", ["bash", "zsh", "fish", "powershell", "elvish"]],
  ["read ", ["msg-"]],
  ["send --reply-to ", ["msg-"]],
  ["task done ", ["task-"]],
  ["agents --scope m", ["machine"]],
])("after `agent-relay %s` the shell offers what can stand there", async (line, words) => {
  const found = await offered(line);
  expect(found.map((word) => word.replace(/^(msg|task)-\w+$/, "$1-"))).toEqual(words);
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
  expect(fish).toContain(`${seen("completions")} -f -a "bash zsh fish powershell elvish"`);
  expect(fish).toContain(`${seen("claim")} -F`);
  expect(fish).toContain(`${seen("task add")} -l priority -s p -r`);
});

const hasFish = spawnSync("fish", ["-c", "true"]).status === 0;
if (!hasFish) console.log("skipped: what fish itself offers, because there is no fish here");

test.skipIf(!hasFish).each<[line: string, words: string[]]>([
  ["send --to ", ["bob", "cho"]],
  ["send --kind quest", ["question"]],
  ["task done ta", ["task-"]],
  ["gua", ["guard"]],
])("fish itself offers it after `agent-relay %s`", async (line, words) => {
  const found = await saidBy("fish", `agent-relay completions fish | source; complete -C "agent-relay ${line}"`);
  expect(found.map((word) => word.replace(/\t.*$/, "").replace(/^task-\w+$/, "task-")).sort()).toEqual(words);
});

test.each(["powershell", "elvish"])("%s is given the same, as data", async (shell) => {
  const { stdout } = spawnSync(process.execPath, [COMMAND, "completions", shell], { encoding: "utf8" });
  const text = /'(\{[\s\S]*\})'/.exec(stdout)?.[1]?.replaceAll("''", "'") ?? "";
  const table: Record<string, { first: unknown; flags: string[]; values: Record<string, unknown> }> = JSON.parse(text);
  expect(table[""]?.first).toContain("inbox");
  expect(table.send?.values).toMatchObject({ "--to": "who", "-t": "who", "--reply-to": "id", "--file": "file" });
  expect(table.send?.values["--kind"]).toContain("question");
  expect(table.send?.flags).toContain("--ack");
  expect(table["task done"]?.first).toBe("task");
  expect(table.completions?.first).toContain(shell);
});
