import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { compared, inTurn, ratio, runProcess } from "./measure.mjs";

const command = fileURLToPath(new URL("../../bin/agent-relay.cjs", import.meta.url));
const ROUNDS = 21;
const HELLO = {
  ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } },
};

/** Starts the server, and waits for its first answer. */
function firstAnswer(cwd) {
  const env = { PATH: "/usr/bin:/bin", HOME: cwd, USER: "bench" };
  const child = spawn(process.execPath, [command, "mcp"], { cwd, env, stdio: ["pipe", "pipe", "inherit"] });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.stdout.once("data", () => {
      child.kill("SIGKILL");
      resolve();
    });
    child.stdin.write(`${JSON.stringify(HELLO)}\n`);
  });
}

async function start(dir) {
  const times = await inTurn(
    ROUNDS,
    () => firstAnswer(dir),
    () => runProcess(["-e", "0"], dir),
  );
  return compared(ratio(times), 6);
}

const SETTLED = 15_000; // ms; Node collects what its start has left behind within 10 s, once, in about 40 ms

/** What the server takes while nobody calls it. */
async function idle(dir) {
  const fs = await import("node:fs");
  const env = { PATH: "/usr/bin:/bin", HOME: dir, USER: "bench" };
  const child = spawn(process.execPath, [command, "mcp"], { cwd: dir, env, stdio: ["pipe", "pipe", "inherit"] });
  try {
    child.stdin.write(`${JSON.stringify(HELLO)}\n`);
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, SETTLED));
    const ran = () => Number(fs.readFileSync(`/proc/${child.pid}/schedstat`, "utf8").split(" ")[0]) / 1e6; // ms
    const [before, begun] = [ran(), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    const percent = ((ran() - before) * 100) / (performance.now() - begun);
    const [, kib] = /VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${child.pid}/status`, "utf8"));
    const figure = `${percent.toFixed(3)} % CPU over 30 s, ${Math.round(kib / 1024)} MiB`;
    return { figure, budget: "< 0.1 %", ok: percent < 0.1 };
  } finally {
    child.kill("SIGKILL");
  }
}

export const mcpCases = [
  { name: "MCP server, start to first answer", run: start },
  ...(process.platform === "linux" ? [{ name: "MCP server, idle", run: idle }] : []),
];
