import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Relay } from "../src/index.ts";
import { tempDir } from "./cli.ts";

const COMMAND = path.resolve(import.meta.dirname, "../bin/agent-relay.cjs");

function environment(cwd: string, session: string): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: cwd, USER: "ann", AGENT_RELAY_SESSION: session };
}

function run(cwd: string, session: string, args: readonly string[], input = "") {
  return spawnSync(process.execPath, [COMMAND, ...args], {
    cwd,
    env: environment(cwd, session),
    input,
    encoding: "utf8",
  });
}

function shell(cwd: string, session: string, script: string) {
  const env = { ...environment(cwd, session), relay: `${process.execPath} ${COMMAND}` };
  return spawnSync("sh", ["-c", script], { cwd, env, encoding: "utf8" });
}

/** A watcher as a process; `next` waits for more of what it prints. */
function watcher(cwd: string, session: string, ...args: string[]) {
  const child = spawn(process.execPath, [COMMAND, "watch", ...args], { cwd, env: environment(cwd, session) });
  onTestFinished(() => void child.kill("SIGKILL"));
  let printed = "";
  let errors = "";
  child.stdout.on("data", (chunk) => (printed += chunk));
  child.stderr.on("data", (chunk) => (errors += chunk));
  const until = async (what: RegExp) => {
    while (!what.test(printed + errors))
      await Promise.race([once(child.stdout, "data"), once(child.stderr, "data"), once(child, "exit")]);
    return printed;
  };
  return { child, until };
}

/** Resolves when a session is registered, so that a watcher of it is there. */
async function present(cwd: string, session: string): Promise<void> {
  const relay = new Relay(`${cwd}/.relay`);
  while (!(await relay.find(session))) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("a reader that closed its pipe gets no error, and what it did not take stays unread", async () => {
  const cwd = tempDir();
  run(cwd, "b", ["register"]);
  run(cwd, "a", ["send", "--to", "b", "hello"]);
  const child = spawn(process.execPath, [COMMAND, "inbox"], { cwd, env: environment(cwd, "b") });
  child.stdout.destroy(); // before the command can have started to write
  let errors = "";
  child.stderr.on("data", (chunk) => (errors += chunk));
  expect(await once(child, "close")).toEqual([0, null]);
  expect(errors).toBe("");
  expect(run(cwd, "b", ["unread"]).stdout).toBe("1\n");
  expect(run(cwd, "b", ["inbox"]).stdout).toContain("hello");
});

test("a full disk behind stdout marks nothing", () => {
  const cwd = tempDir();
  run(cwd, "b", ["register"]);
  run(cwd, "a", ["send", "--to", "b", "hello"]);
  if (!fs.existsSync("/dev/full")) return console.log("skipped: no /dev/full here");
  expect(shell(cwd, "b", "$relay inbox > /dev/full").status).toBe(7);
  expect(run(cwd, "b", ["unread"]).stdout).toBe("1\n");
});

test("watch shows each message as it comes and marks it, and ends quietly at an interrupt", async () => {
  const cwd = tempDir();
  const { child, until } = watcher(cwd, "b", "--json");
  await present(cwd, "b");
  run(cwd, "a", ["send", "--to", "b", "first"]);
  await until(/first/);
  run(cwd, "a", ["send", "--to", "b", "second"]);
  const lines = (await until(/second/)).trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).content)).toEqual(["first", "second"]);
  child.kill("SIGINT");
  expect(await once(child, "exit")).toEqual([130, null]);
  expect(run(cwd, "b", ["unread"]).stdout).toBe("0\n");
});

test("watch --exec gives the program the text on stdin and the facts in variables, and no shell sees any of it", async () => {
  const cwd = tempDir();
  const program = `${cwd}/on mail.mjs`;
  fs.writeFileSync(
    program,
    `import fs from "node:fs";
     const { AGENT_RELAY_FROM: from, AGENT_RELAY_MESSAGE_ID: id, AGENT_RELAY_TO: to } = process.env;
     fs.appendFileSync("got.jsonl", JSON.stringify({ text: fs.readFileSync(0, "utf8"), from, id, to, args: process.argv.slice(2) }) + "\\n");
     console.log("done");`,
  );
  const { until } = watcher(cwd, "b", "--exec", `${process.execPath} "${program}" '$(touch pwned)' ;`);
  await present(cwd, "b");
  const text = "$(touch pwned); `touch pwned` \u001b[2J";
  run(cwd, "a", ["send", "--to", "b", text]);
  await until(/done/);
  const got = JSON.parse(fs.readFileSync(`${cwd}/got.jsonl`, "utf8"));
  expect(got).toMatchObject({ text, from: "a", to: "b", args: ["$(touch pwned)", ";"] });
  expect(fs.existsSync(`${cwd}/pwned`)).toBe(false);
});

test("a program that fails leaves its message unread, and the next one is still handed over", async () => {
  const cwd = tempDir();
  fs.writeFileSync(`${cwd}/fail.mjs`, 'process.exit(process.env.AGENT_RELAY_KIND === "status" ? 3 : 0)');
  const { until } = watcher(cwd, "b", "--exec", `${process.execPath} fail.mjs`);
  await present(cwd, "b");
  run(cwd, "a", ["send", "--to", "b", "--kind", "status", "fails"]);
  await until(/stays unread, .* ended with 3/);
  run(cwd, "a", ["send", "--to", "b", "works"]);
  for (;;) if (run(cwd, "b", ["unread"]).stdout === "1\n") break;
  expect(run(cwd, "b", ["inbox"]).stdout).toContain("fails");
});

test("watch --exec with a program that is not there says so", async () => {
  const cwd = tempDir();
  run(cwd, "b", ["register"]);
  run(cwd, "a", ["send", "--to", "b", "hello"]);
  const { status, stderr } = run(cwd, "b", ["watch", "--exec", "no-such-program"]);
  expect(status).toBe(3);
  expect(stderr).toContain('Cannot run "no-such-program": there is no such program');
  expect(run(cwd, "b", ["unread"]).stdout).toBe("1\n");
});

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

test("the completions of a shell that is here complete verbs and flags", () => {
  const cwd = tempDir();
  if (spawnSync("bash", ["-c", "type complete"]).status !== 0) return console.log("skipped: no bash here");
  const script = `eval "$($relay completions bash)"; COMP_WORDS=(agent-relay inbox --l); COMP_CWORD=2; _agent_relay; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(agent-relay unr); COMP_CWORD=1; _agent_relay; echo "\${COMPREPLY[@]}"`;
  const env = { ...environment(cwd, "a"), relay: `${process.execPath} ${COMMAND}` };
  expect(spawnSync("bash", ["-c", script], { cwd, env, encoding: "utf8" }).stdout).toBe("--limit\nunread unregister\n");
});

test("the root import loads nanoid and our own files, and the lock and its library only at the first change", () => {
  const cwd = tempDir();
  const library = path.resolve(import.meta.dirname, "../dist/index.js");
  fs.writeFileSync(
    `${cwd}/hook.mjs`,
    `import { register } from "node:module"; import fs from "node:fs";
     register("data:text/javascript," + encodeURIComponent('import fs from "node:fs"; export async function load(url, c, next) { fs.appendFileSync("loaded", url + "\\\\n"); return next(url, c); }'));`,
  );
  spawnSync(process.execPath, ["--import", "./hook.mjs", "-e", `import(${JSON.stringify(library)})`], { cwd });
  const loaded = fs
    .readFileSync(`${cwd}/loaded`, "utf8")
    .split("\n")
    .filter((url) => url.includes("node_modules"));
  expect([...new Set(loaded.map((url) => /node_modules\/([\w-]+)\//.exec(url)?.[1]))]).toEqual(["nanoid"]);
});
