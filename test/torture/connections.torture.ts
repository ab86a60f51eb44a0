import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { COMMAND } from "../support/paths.ts";

const IDLE = 10_000;

test(`${IDLE} connections that ask nothing keep nobody out`, async () => {
  const most = Number(execFileSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }));
  if (most < IDLE + 100) return console.log(`skipped: a process may have ${most} open files here`);
  const home = fs.mkdtempSync(path.join(os.tmpdir(), "relay-idle-"));
  onTestFinished(() => fs.rmSync(home, { recursive: true, force: true }));
  const { port, token } = await serve(home);
  const sockets: net.Socket[] = [];
  onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
  const ask = async () => {
    const headers = { Authorization: `Bearer ${token}` };
    return (await fetch(`http://127.0.0.1:${port}/agents`, { headers })).status;
  };
  for (let count = 0; count < IDLE; count += 100) {
    const batch = Array.from({ length: 100 }, () => connected(port));
    sockets.push(...(await Promise.all(batch)));
    if (count % 2000 === 0) expect(await ask()).toBe(200);
  }
  expect(await ask()).toBe(200);
  // The oldest gave way, and no request of anybody was cut.
  await expect.poll(() => sockets.filter((socket) => socket.closed).length).toBeGreaterThan(IDLE / 2);
  expect(await ask()).toBe(200);
});

async function serve(home: string): Promise<{ port: number; token: string }> {
  const env = { PATH: process.env.PATH, HOME: home, USER: "ann" };
  const child: ChildProcess = spawn(process.execPath, [COMMAND, "serve", "--port", "0"], { cwd: home, env });
  onTestFinished(() => void child.kill("SIGKILL"));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.on("data", (data) => resolve(Number(/127\.0\.0\.1:(\d+)/.exec(String(data))?.[1])));
    child.once("exit", (code) => reject(new Error(`serve ended with ${code}`)));
  });
  const file = path.join(home, ".local/state/agent-relay/serving", `${port}.json`);
  return { port, token: JSON.parse(fs.readFileSync(file, "utf8")).token };
}

function connected(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => resolve(socket));
    socket.on("error", (error) => (socket.connecting ? reject(error) : socket.destroy()));
  });
}
