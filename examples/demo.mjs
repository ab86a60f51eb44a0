// The main job as a person would see it: two agents in one git repository talk by the command, with nothing set up.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";

const command = fileURLToPath(new URL("../bin/agent-relay.cjs", import.meta.url));
const project = realpathSync(mkdtempSync(`${tmpdir()}/agent-relay-demo-`));
mkdirSync(`${project}/.git`);
console.log(`A throw-away project: ${project}\n`);

const first = run("claude-1", "send", "I start on the parser; who reviews?");
run("gemini-1", "inbox");
run("gemini-1", "reply", first.id, "I do, when you are done");
run("gemini-1", "send", "--to", "claude-1", "--kind", "question", "Which branch?");
run("claude-1", "inbox");
run("claude-1", "inbox"); // what was shown is read; the question stays until it is answered
run("claude-1", "agents");
rmSync(project, { recursive: true });
console.log("It worked, and the project is removed again.");

/** Runs the command as one of the agents, and prints both. */
function run(session, ...args) {
  console.log(`${session}$ agent-relay ${args.map((word) => (/[ ;?]/.test(word) ? `"${word}"` : word)).join(" ")}`);
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, AGENT_RELAY_SESSION: session };
  const { stdout, stderr, status } = spawnSync(process.execPath, [command, ...args], {
    cwd: project,
    env,
    encoding: "utf8",
  });
  console.log(stdout + stderr);
  if (status !== 0) process.exit(1);
  return { id: stdout.split(" ")[0] };
}
