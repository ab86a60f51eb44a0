// Makes the code caches of the command for the Node that runs this: runs each verb in a throw-away folder, the ones that are
// run most in earnest, and writes what V8 has compiled by then.
"use strict";
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { CACHES, chunk, scripts } = require("../../bin/agent-relay.cjs");

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

async function warm() {
  const cwd = fs.mkdtempSync(path.join(os.tmpdir(), "agent-relay-warm-"));
  let event = "";
  const io = {
    ...{ env: { USER: "warm" }, cwd, now: Date.now, isTerminal: false, script: __filename },
    ...{ out: async () => {}, err: () => {}, onInterrupt: () => {}, hasParent: () => true },
    input: async () => JSON.stringify({ session_id: "a", cwd, hook_event_name: event, ...TOOL }),
  };
  const { main } = chunk("command")["src/cli/entry.ts"];
  const { VERBS } = chunk("command")["src/cli/verbs.ts"];
  for (const run of [...RUNS, ...Object.keys(VERBS).map((verb) => `${verb} --help`)]) {
    const args = run.split(" ");
    event = args[2];
    const code = await main(args, io);
    if (code !== 0) throw new Error(`agent-relay ${run} ended with ${code}`);
  }
  fs.rmSync(cwd, { recursive: true });
  fs.mkdirSync(CACHES, { recursive: true });
  for (const [name, script] of scripts) write(path.join(CACHES, name), script.createCachedData());
}

const TOOL = { tool_name: "Write", tool_input: { path: "src/a" } };

function write(file, data) {
  fs.writeFileSync(`${file}.new`, data);
  fs.renameSync(`${file}.new`, file);
}

warm();
