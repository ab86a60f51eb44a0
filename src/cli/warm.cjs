// Makes the code cache of the verbs that are run most: loads the command as its launcher does, runs each of them once in
// a throw-away folder, and writes what V8 has compiled by then. Usage: node src/cli/warm.cjs
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
];

async function warm() {
  load.scripts = new Map();
  const cwd = fs.mkdtempSync(path.join(os.tmpdir(), "agent-relay-build-"));
  const io = { env: { USER: "build" }, cwd, now: Date.now, isTerminal: false, out: async () => {}, err: () => {} };
  const { main } = load(path.join(__dirname, "../../dist/cli/entry.cjs"));
  for (const args of RUNS) {
    const code = await main(args, io);
    if (code !== 0) throw new Error(`agent-relay ${args.join(" ")} ended with ${code}`);
  }
  for (const [file, script] of load.scripts) fs.writeFileSync(file, script.createCachedData());
  fs.rmSync(cwd, { recursive: true });
}

warm();
