// inside.mjs <socket> <port> <program> [argument...]
// Runs a program in the network namespace that this was started in, where nothing but loopback may be, and lets it reach
// one thing: the socket, which answers on the port. A socket in a folder is the same in every namespace.
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import net from "node:net";

const [socket, port, program, ...args] = process.argv.slice(2);

const devices = fs
  .readFileSync("/proc/self/net/dev", "utf8")
  .split("\n")
  .flatMap((line) => /^\s*([^\s:|]+):/.exec(line)?.[1] ?? []);
if (devices.some((device) => device !== "lo")) fail(`there is more than loopback here: ${devices.join(", ")}`);

const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
const ways = [
  ["ip", "link", "set", "lo", "up"],
  ["ifconfig", "lo", "up"],
];
if (!ways.some(([tool, ...rest]) => spawnSync(tool, rest, { env }).status === 0))
  fail("loopback cannot be brought up: neither ip nor ifconfig does it");

const bridge = net.createServer((client) => {
  const server = net.connect(socket);
  client.pipe(server).pipe(client);
  for (const [one, other] of [
    [client, server],
    [server, client],
  ])
    one.on("error", () => other.destroy());
});
bridge.listen(Number(port), "127.0.0.1", () => {
  const child = spawn(program, args, { stdio: "inherit" });
  child.on("error", ({ message }) => fail(message));
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGKILL" ? 137 : 143)));
});

function fail(why) {
  process.stderr.write(`${why}\n`);
  process.exit(71);
}
