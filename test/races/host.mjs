// Stands for an agent's own process. As agents do, it runs a command (here: one that finds out who it is), and then it
// starts the next agent, which inherits its variables.
import { spawn } from "node:child_process";
import path from "node:path";
import { say } from "./serve.mjs";

const [agents, cwd] = process.argv.slice(2);
const [me, ...others] = JSON.parse(agents);
const env = { ...process.env, ...me.env };

say({ host: me.agent, pid: process.pid });
await run(process.execPath, ["who.mjs", cwd]);
if (others[0]) await run(others[0].command, ["host.mjs", JSON.stringify(others), cwd]);

function run(command, [script, ...args]) {
  const child = spawn(command, [path.join(import.meta.dirname, script), ...args], {
    env,
    stdio: ["ignore", "inherit", "inherit"],
  });
  return new Promise((resolve) => child.on("exit", resolve));
}
