import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { Relay } from "../../dist/index.js";
import { compared, inTurn, median, ms, ratio, runProcess } from "./measure.mjs";

// What may grow with the project, each beside the same in a small one; and what each verb costs beside bare node.

const command = fileURLToPath(new URL("../../bin/agent-relay.cjs", import.meta.url));
const launcher = fileURLToPath(new URL("../../bin/agent-relay-hook", import.meta.url));
const ROUNDS = 21;
const limits = { perMinute: 1e9 };

/** A relay in which `a` has so many unread messages, and so many others are registered. */
export async function project(dir, { unread = 10, sessions = 0 } = {}) {
  const relay = (session) => new Relay(`${dir}/.relay`, { session, agent: "bench", durability: "process", limits });
  for (const session of ["a", "b"]) await relay(session).agents.register();
  for (let n = 0; n < sessions; n++) await relay(`other-${n}`).agents.register();
  const sender = relay("b");
  for (let n = 0; n < unread; n++) await sender.send(`message ${n}`, { to: "a" });
  return dir;
}

export const VERBS = {
  send: ["send", "--session", "b", "--to", "a", "hello"],
  unread: ["unread", "--session", "a"],
  inbox: ["inbox", "--session", "a", "--peek"],
  check: ["check", "--session", "a", "src"],
  claim: ["claim", "--session", "a", "src"],
  "task list": ["task", "list", "--session", "a"],
  whoami: ["whoami", "--session", "a"],
};

async function grown(dir, verbs, large, budget) {
  const [small, big] = [fs.mkdtempSync(`${dir}/small-`), fs.mkdtempSync(`${dir}/big-`)];
  await project(small);
  await project(big, large);
  const lines = [];
  for (const verb of verbs) {
    const times = await inTurn(
      ROUNDS,
      () => runProcess([command, ...VERBS[verb]], big),
      () => runProcess([command, ...VERBS[verb]], small),
    );
    lines.push({
      name: `${verb}, ${Object.entries(large).flat().reverse().join(" ")}`,
      ...compared(ratio(times), budget),
    });
  }
  return lines;
}

async function besideNode(dir) {
  await project(dir, { unread: 0 });
  const lines = [];
  for (const args of [["task", "list"], ["check", "src"], ["claim", "src"], ["agents"], ["status", "--json"]]) {
    const times = await inTurn(
      ROUNDS,
      () => runProcess([command, ...args, "--session", "a"], dir),
      () => runProcess(["-e", "0"], dir),
    );
    lines.push({ name: `agent-relay ${args.join(" ")}`, ...compared(ratio(times), "1.5 + its own work") });
  }
  return lines.map(({ ok: _, ...line }) => line);
}

/** How often the system is asked to write to the disk itself. */
async function flushes(dir) {
  const relay = (session) => new Relay(`${dir}/.relay`, { session, agent: "bench", limits });
  await relay("a").agents.register();
  for (let n = 0; n < 10; n++) await relay("b").send(`message ${n}`, { to: "a" });
  const { fsyncSync } = fs;
  let count = 0;
  fs.fsyncSync = (fd) => {
    count++;
    return fsyncSync(fd);
  };
  try {
    await relay("a").inbox({ limit: 10 });
  } finally {
    fs.fsyncSync = fsyncSync;
  }
  return { figure: `${count} flushes`, budget: "<= 4", ok: count <= 4 };
}

async function byLauncher(dir) {
  await project(dir, { unread: 0 });
  const env = { PATH: "/usr/bin:/bin", HOME: dir, USER: "bench" };
  runProcess([command, "unread", "--session", "a"], dir);
  const times = await inTurn(
    201,
    () => {
      const { stdout } = spawnSync(launcher, ["unread", "--session", "a"], { cwd: dir, env });
      if (stdout.toString() !== "0\n") throw new Error("the launcher counted wrongly");
    },
    () => spawnSync("/bin/sh", ["-c", ":"], { cwd: dir, env }),
  );
  const [value, bare] = [median(times.a), median(times.b)];
  return { figure: `${ms(value)} (sh -c : ${ms(bare)})`, budget: "<= 3 ms", ok: value <= 3 };
}

/** A whole process that sends as many as a session may in a minute. */
async function lines(dir) {
  await project(dir, { unread: 0 });
  const count = 600;
  const input = Array.from({ length: count }, (_, n) => JSON.stringify({ content: `message ${n}`, to: "a" })).join(
    "\n",
  );
  const begun = performance.now();
  const child = spawn(process.execPath, [command, "send", "--lines", "--session", "c"], {
    ...{ cwd: dir, env: { PATH: "/usr/bin:/bin", HOME: dir, USER: "bench" }, stdio: ["pipe", "pipe", "inherit"] },
  });
  let said = "";
  child.stdout.on("data", (data) => (said += data));
  child.stdin.end(input);
  const code = await new Promise((resolve) => child.on("close", resolve));
  const rate = count / ((performance.now() - begun) / 1000);
  if (code !== 0 || said.trimEnd().split("\n").length !== count) throw new Error(`send --lines ended with ${code}`);
  return { figure: `${Math.round(rate)} a second`, budget: ">= 1500", ok: rate >= 1500 };
}

/** How often a process that waits is woken, and what that takes. */
async function asleep(dir) {
  await project(dir, { unread: 0 });
  const holder = new Relay(`${dir}/.relay`, { session: "b", agent: "bench" });
  await holder.claim("src");
  const env = { PATH: "/usr/bin:/bin", HOME: dir, USER: "bench" };
  const runs = {
    watch: ["watch", "--session", "a"],
    "wait for mail": ["wait", "--message", "--timeout", "10m", "--session", "a"],
    "wait for a claim": ["wait", "--released", "src", "--timeout", "10m", "--session", "w"],
    serve: ["serve", "--port", "0"],
  };
  const children = Object.values(runs).map((args) =>
    spawn(process.execPath, [command, ...args], { cwd: dir, env, stdio: ["ignore", "pipe", "ignore"] }),
  );
  for (const { stdout } of children) stdout.resume();
  try {
    await new Promise((resolve) => setTimeout(resolve, 15_000)); // V8 compiles and collects for a while
    const before = children.map(({ pid }) => usage(pid));
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    return Object.keys(runs).map((name, index) => {
      const now = usage(children[index].pid);
      const [wakes, percent] = [(now.wakes - before[index].wakes) / 30, (now.cpu - before[index].cpu) / 300];
      return {
        name: `idle ${name}`,
        figure: `${wakes.toFixed(2)} wake-ups a second, ${percent.toFixed(3)} % CPU`,
        budget: "<= 1, < 0.1 %",
        ok: wakes <= 1 && percent < 0.1,
      };
    });
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
}

function usage(pid) {
  const [, wakes] = /^voluntary_ctxt_switches:\s+(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
  const cpu = fs
    .readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]) / 1e6);
  return { wakes: Number(wakes), cpu: cpu.reduce((sum, each) => sum + each, 0) };
}

export const growthCases = [
  { name: "with 1000 unread", run: (dir) => grown(dir, ["send", "unread", "inbox"], { unread: 1000 }, 1.2) },
  { name: "with 400 sessions", run: (dir) => grown(dir, Object.keys(VERBS), { sessions: 400 }, 1.1) },
  { name: "verbs beside bare node", run: besideNode },
  { name: "inbox of 10, durable", run: flushes },
  ...(process.platform === "win32" ? [] : [{ name: "agent-relay-hook unread, nothing there", run: byLauncher }]),
  { name: "send --lines, 600 durable messages", run: lines },
  ...(process.platform === "linux" ? [{ name: "idle processes", run: asleep }] : []),
];
