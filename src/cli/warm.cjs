// Makes the code caches of the command for the Node that runs this: runs each verb in a throw-away folder, the ones that are
// run most in earnest, and writes what V8 has compiled by then; then those that are run most once more, each by itself.
"use strict";
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { CACHES, OFTEN, cachesOf, chunk, scripts } = require("../../bin/agent-relay.cjs");

const RUNS = [
  "send --session b hello",
  "register --session a",
  "send --session b --to a hello",
  "unread --session a",
  "inbox --session a",
  "hook claude SessionStart",
  "claim --session b src",
  "hook claude PreToolUse",
  "send --session b --to a --kind question hello-again",
  "hook claude PostToolBatch",
  "hook claude Stop",
  "check --session a lib",
  "claims",
  "agents",
  "status",
  "history --session a",
  "release --session b src",
  "task add --session a Title --file src",
  "task list",
  "task next --session a",
  "activity",
  "decide --session a yes",
  "log --session a note",
  "heartbeat --session a",
  "whoami --session a",
];

/** What is run of a verb where its runs above have left nothing to do. */
const AGAIN = {
  inbox: ["send --session b --to a hello", "inbox --session a"],
  hook: ["send --session b --to a hello", ...RUNS.filter((line) => line.startsWith("hook "))],
  release: ["claim --session b src", "release --session b src"],
};

/** Runs these, in turn, in a folder that has what the runs before them have left. */
async function run(lines, cwd) {
  let event = "";
  const io = {
    ...{ env: { USER: "warm", HOME: cwd }, cwd, now: Date.now, isTerminal: false, script: __filename },
    ...{ out: async () => {}, err: () => {}, onInterrupt: () => {}, hasParent: () => true },
    input: async () => JSON.stringify({ session_id: "a", cwd, hook_event_name: event, ...TOOL }),
  };
  const { main } = chunk("command")["src/cli/entry.ts"];
  for (const line of lines) {
    const args = line.split(" ");
    event = args[2];
    const code = await main(args, io);
    if (code !== 0) throw new Error(`agent-relay ${line} ended with ${code}`);
  }
}

async function warm() {
  const cwd = fs.mkdtempSync(path.join(os.tmpdir(), "agent-relay-warm-"));
  process.env.HOME = cwd; // what a run keeps of its user, it keeps there
  delete process.env.XDG_STATE_HOME;
  const { VERBS } = chunk("command")["src/cli/verbs.ts"];
  await run([...RUNS, ...Object.keys(VERBS).map((verb) => `${verb} --help`)], cwd);
  keep(CACHES);
  for (const verb of OFTEN) execFileSync(process.execPath, [__filename, verb, cwd]); // a process has compiled no more than it ran
  fs.rmSync(cwd, { recursive: true });
}

async function warmOne(verb, cwd) {
  await run(AGAIN[verb] ?? RUNS.filter((line) => line.split(" ")[0] === verb), cwd);
  keep(cachesOf(verb));
}

function keep(folder) {
  fs.mkdirSync(folder, { recursive: true });
  for (const [name, script] of scripts) write(path.join(folder, name), script.createCachedData());
}

const TOOL = { tool_name: "Write", tool_input: { path: "src/a" } };

function write(file, data) {
  fs.writeFileSync(`${file}.new`, data);
  fs.renameSync(`${file}.new`, file);
}

const [verb, folder] = process.argv.slice(2);
if (verb === undefined) warm();
else warmOne(verb, folder);
