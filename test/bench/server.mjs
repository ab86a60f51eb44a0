import { spawn } from "node:child_process";
import fs from "node:fs";
import http from "node:http";
import { fileURLToPath } from "node:url";
import { compared, inTurn, ms, percentile, ratio, runProcess } from "./measure.mjs";

const command = fileURLToPath(new URL("../../bin/agent-relay.cjs", import.meta.url));
const hello = fileURLToPath(new URL("./hello.mjs", import.meta.url));
const ROUNDS = 21;
const SESSIONS = 200;
const CONNECTIONS = 32;
const SECONDS = 5;

/** A program that listens and says so; it is ended with the measurement. */
async function started(args, dir) {
  const env = { PATH: "/usr/bin:/bin", HOME: dir, USER: "bench" };
  const child = spawn(process.execPath, args, { cwd: dir, env, stdio: ["ignore", "pipe", "pipe"] });
  const told = [];
  child.stderr.on("data", (data) => told.push(data));
  const port = await new Promise((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (data) => {
      said += data;
      const found = /127\.0\.0\.1:(\d+)/.exec(said);
      if (found) resolve(Number(found[1]));
    });
    child.once("exit", (code) => reject(new Error(`ended with ${code}: ${Buffer.concat(told)}`)));
  });
  return { child, port };
}

export async function server(dir) {
  const { child, port } = await started([command, "serve", "--port", "0"], dir);
  const { token } = JSON.parse(fs.readFileSync(`${dir}/.local/state/agent-relay/serving/${port}.json`, "utf8"));
  return { child, port, token };
}

/** One request; rejects for what is not answered as it should be. */
function ask(agent, { port, token }, session, method, path, body) {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const headers = {
    ...{ Authorization: `Bearer ${token}`, "Agent-Relay-Session": session },
    ...(payload && { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(payload) }),
  };
  return new Promise((resolve, reject) => {
    const request = http.request({ host: "127.0.0.1", port, method, path, agent, headers }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("end", () => {
        if (response.statusCode < 300) resolve(Buffer.concat(parts));
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${Buffer.concat(parts)}`));
      });
    });
    request.on("error", reject);
    request.end(payload);
  });
}

/** As many requests as are answered in some seconds, or `perSecond` of them; how long each took. */
async function load(seconds, one, perSecond) {
  const times = [];
  const start = performance.now();
  const until = start + seconds * 1000;
  let next = 0;
  const worker = async () => {
    while (performance.now() < until) {
      const index = next++;
      const due = perSecond === undefined ? undefined : start + (index * 1000) / perSecond;
      if (due !== undefined && due > until) return;
      const wait = due === undefined ? 0 : due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const begun = due ?? performance.now(); // what a late start costs counts too
      await one(index);
      times.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return { times, perSecond: (times.length * 1000) / (performance.now() - start) };
}

async function withServer(dir, run) {
  const serving = await server(dir);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1000 });
  try {
    for (let index = 0; index < SESSIONS; index++) await ask(agent, serving, `s${index}`, "POST", "/agents", {});
    return await run(serving, (...args) => ask(agent, serving, ...args), agent);
  } finally {
    agent.destroy();
    serving.child.kill("SIGKILL");
  }
}

function rate(name, { perSecond, times }, budget) {
  const figure = `${Math.round(perSecond)} /s, p99 ${ms(percentile(times, 0.99))}`;
  return { name, figure, budget: `>= ${budget} /s`, ok: perSecond >= budget };
}

async function throughput(dir) {
  const raw = await started([hello], dir);
  const agent = new http.Agent({ keepAlive: true });
  const bare = await load(SECONDS, () => ask(agent, { ...raw, token: "" }, "", "GET", "/"));
  agent.destroy();
  raw.child.kill("SIGKILL");
  const lines = [{ name: "HTTP: hello-world of the bare framework", figure: `${Math.round(bare.perSecond)} /s` }];
  await withServer(dir, async (_, call) => {
    // Half of the sessions are written to, and never read: the others have nothing waiting.
    const half = SESSIONS / 2;
    const inbox = (index) => call(`s${index % half}`, "GET", "/inbox");
    const full = (index) => call(`s${half + (index % half)}`, "GET", "/inbox");
    const send = (index) => {
      const to = `s${half + (index % half)}`;
      return call(`s${index % half}`, "POST", "/messages", { content: `number ${index}`, to });
    };
    for (let index = 0; index < half * 10; index++) await send(index);
    await load(1, inbox);
    lines.push(rate("HTTP: GET inbox, nothing there", await load(SECONDS, inbox), 2000));
    lines.push(late("GET inbox", 1000, await load(SECONDS, inbox, 1000)));
    const ten = await load(SECONDS, full);
    lines.push({ name: "HTTP: GET inbox, 10 unread", figure: `${Math.round(ten.perSecond)} /s` });
    lines.push(rate("HTTP: durable sends", await load(SECONDS, send), 800));
    lines.push(late("sends", 400, await load(SECONDS, send, 400)));
  });
  return lines;
}

function late(what, perSecond, { times }) {
  const p99 = percentile(times, 0.99);
  return { name: `HTTP: p99 of ${perSecond} ${what} a second`, figure: ms(p99), budget: "<= 50 ms", ok: p99 <= 50 };
}

async function wake(dir) {
  return withServer(dir, async ({ port, token }, call) => {
    const arrived = new Map();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1000 });
    await Promise.all(
      Array.from({ length: SESSIONS }, (_, index) => {
        const headers = { Authorization: `Bearer ${token}`, "Agent-Relay-Session": `s${index}` };
        return new Promise((resolve, reject) => {
          http
            .get({ host: "127.0.0.1", port, path: "/events", agent, headers }, (response) => {
              response.on("data", (data) => {
                for (const [, id] of String(data).matchAll(/^id: (.+)$/gm)) arrived.get(id)?.(performance.now());
                resolve();
              });
            })
            .on("error", reject);
        });
      }),
    );
    const times = [];
    for (let index = 0; index < 300; index++) {
      const to = `s${(index * 7) % SESSIONS}`;
      const sent = call(`s${(index * 7 + 1) % SESSIONS}`, "POST", "/messages", { content: "wake", to });
      // The event may be there before the answer: that is no wait at all.
      const { id } = JSON.parse(await sent);
      const done = performance.now();
      const at = await Promise.race([
        new Promise((resolve) => arrived.set(id, resolve)),
        new Promise((resolve) => setTimeout(resolve, 50, done)),
      ]);
      times.push(Math.max(0, at - done));
    }
    agent.destroy();
    const p95 = percentile(times, 0.95);
    return { figure: `p95 ${ms(p95)}`, budget: "<= 25 ms", ok: p95 <= 25 };
  });
}

/** Until the first answer. */
async function start(dir) {
  const times = await inTurn(
    ROUNDS,
    async () => {
      const { child, port } = await started([command, "serve", "--port", "0"], dir);
      await fetch(`http://127.0.0.1:${port}/health`);
      child.kill("SIGKILL");
    },
    () => runProcess(["-e", "0"], dir),
  );
  return compared(ratio(times), 5);
}

const SETTLED = 15_000; // ms; Node collects what its start has left behind within 10 s

function residentMib(pid) {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
  return kib / 1024;
}

/** What a server takes while nobody asks. */
async function idle(dir) {
  const { child } = await server(dir);
  try {
    await new Promise((resolve) => setTimeout(resolve, SETTLED));
    const ran = () => Number(fs.readFileSync(`/proc/${child.pid}/schedstat`, "utf8").split(" ")[0]) / 1e6; // ms
    const [before, begun] = [ran(), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    const percent = ((ran() - before) * 100) / (performance.now() - begun);
    const figure = `${percent.toFixed(3)} % CPU over 30 s, ${Math.round(residentMib(child.pid))} MiB`;
    return { figure, budget: "< 0.1 %", ok: percent < 0.1 };
  } finally {
    child.kill("SIGKILL");
  }
}

const MINUTES = 10;

/** Whether memory stands still under load: the last minutes against those after the first, which fill what is remembered. */
async function memory(dir) {
  return withServer(dir, async ({ child }, call) => {
    const half = SESSIONS / 2;
    const sizes = [];
    for (let minute = 0; minute < MINUTES; minute++) {
      await load(
        60,
        async (index) => {
          const session = `s${half + (index % half)}`;
          if (index % 10 > 0) return call(session, "GET", "/inbox");
          const sent = await call(`s${index % half}`, "POST", "/messages", { content: `number ${index}`, to: session });
          return call(session, "POST", "/inbox/read", { ids: [JSON.parse(sent).id] });
        },
        300,
      );
      sizes.push(residentMib(child.pid));
    }
    const [early, late] = [sizes.slice(2, 5), sizes.slice(-3)].map((some) => percentile(some, 0.5));
    const figure = `${Math.round(early)} MiB, then ${Math.round(late)} MiB`;
    return { figure, budget: "<= 1.2 x", ok: late <= early * 1.2 };
  });
}

export const serverCases = [
  { name: "HTTP relay, start to first answer", run: start },
  { name: "HTTP relay, throughput", run: throughput },
  { name: `HTTP relay, wake by stream, ${SESSIONS} streams`, run: wake },
  ...(process.platform === "linux" ? [{ name: "HTTP relay, idle", run: idle }] : []),
  // Takes ten minutes: only when it is asked for.
  ...(process.platform === "linux" ? [{ name: "HTTP relay, memory over ten minutes", run: memory, isLong: true }] : []),
];
