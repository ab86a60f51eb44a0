// Makes the code cache of the verbs that are run most: loads the command as its launcher does, runs each of them once
// in a throw-away folder, and writes what V8 has compiled by then. Usage: node src/cli/warm.cjs
"use strict";
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const load = require("../../bin/agent-relay.cjs");

const RUNS = [
  ["send", "--session", "b", "hello"],
  ["register", "--session", "a"],
  ["send", "--session", "b", "--to", "a", "hello"],
  ["unread", "--session", "a"],
  ["inbox", "--session", "a"],
  ["hook", "claude", "SessionStart"],
  ["claim", "--session", "b", "src"],
  ["hook", "claude", "PreToolUse"],
  ["send", "--session", "b", "--to", "a", "--kind", "question", "hello again"],
  ["hook", "claude", "PostToolBatch"],
  ["hook", "claude", "Stop"],
];

async function warm() {
  load.scripts = new Map();
  const cwd = fs.mkdtempSync(path.join(os.tmpdir(), "agent-relay-build-"));
  let event = "";
  const payload = () => ({
    session_id: "a",
    cwd,
    hook_event_name: event,
    tool_name: "Write",
    tool_input: { path: "src/a" },
  });
  const io = {
    ...{ env: { USER: "build" }, cwd, now: Date.now, isTerminal: false, out: async () => {}, err: () => {} },
    ...{
      input: async () => JSON.stringify(payload()),
      script: __filename,
      onInterrupt: () => {},
      hasParent: () => true,
    },
  };
  const { main } = load(path.join(__dirname, "../../dist/cli/entry.cjs"));
  for (const args of RUNS) {
    event = args[2];
    const code = await main(args, io);
    if (code !== 0) throw new Error(`agent-relay ${args.join(" ")} ended with ${code}`);
  }
  for (const [file, script] of load.scripts) fs.writeFileSync(file, script.createCachedData());
  fs.rmSync(cwd, { recursive: true });
}

warm();
