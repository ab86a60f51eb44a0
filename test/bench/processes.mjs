import { spawn } from "node:child_process";
import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { Relay } from "../../dist/index.js";
import { median, ms, percentile, rawFolders } from "./measure.mjs";

const PAIRS = 7;
const command = fileURLToPath(new URL("../../bin/agent-relay.cjs", import.meta.url));
const worker = fileURLToPath(new URL("./worker.mjs", import.meta.url));

/** Starts a worker; `lines` yields what it prints. */
function start(...args) {
  const child = spawn(process.execPath, [worker, ...args.map(String)], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = (async function* () {
    let rest = "";
    for await (const chunk of child.stdout) {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop() ?? "";
      yield* parts;
    }
  })();
  return { child, lines, line: async () => (await lines.next()).value };
}

async function wake(dir) {
  const root = `${dir}/.relay`;
  const sender = new Relay(root, { session: "sender", agent: "bench", limits: { perMinute: 1e9 } });
  await sender.agents.register();
  const watcher = start("watch", root);
  await watcher.line();
  const times = [];
  for (let round = 0; round < 200; round++) {
    await sender.send("wake", { to: "watcher" });
    const sent = Number(process.hrtime.bigint()) / 1e6;
    times.push(Math.max(0, Number(await watcher.line()) - sent));
    await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 10));
  }
  watcher.child.kill();
  const p95 = percentile(times, 0.95);
  return { figure: `p95 ${ms(p95)}, median ${ms(median(times))}`, budget: "p95 <= 5 ms", ok: p95 <= 5 };
}

/** All workers wait for one word, so that none begins before the others are there. */
async function together(workers) {
  for (const one of workers) await one.line();
  const begin = performance.now();
  for (const one of workers) one.child.stdin.end("go\n");
  const results = await Promise.all(workers.map((one) => one.line()));
  return { took: performance.now() - begin, results };
}

/** Each pair in fresh folders: where the disk puts a folder decides how fast it makes files in it. */
async function manySenders(dir) {
  const rates = { ours: [], raw: [] };
  const wrong = { lost: 0, twice: 0 };
  for (let round = 0; round < PAIRS; round++)
    for (const which of round % 2 === 0 ? ["raw", "ours"] : ["ours", "raw"]) {
      const folder = fs.mkdtempSync(`${dir}/${which}-`);
      rawFolders(folder);
      await new Relay(`${folder}/.relay`, { session: "reader", agent: "bench" }).agents.register();
      const args = which === "raw" ? ["raw", folder] : ["send", `${folder}/.relay`];
      const workers = Array.from({ length: 32 }, (_, index) => start(...args, index, 500));
      rates[which].push(16_000 / ((await together(workers)).took / 1000));
      if (which === "raw") continue;
      const names = fs.readdirSync(`${folder}/.relay/inboxes/reader`).filter((name) => name.startsWith("msg-"));
      const texts = names.map(
        (name) => JSON.parse(fs.readFileSync(`${folder}/.relay/messages/${name}.json`, "utf8")).content,
      );
      wrong.lost += 16_000 - names.length;
      wrong.twice += names.length - new Set(texts).size;
    }
  const value = median(rates.ours.map((rate, index) => rate / rates.raw[index]));
  return [
    {
      name: `32 processes x 500 durable sends, ${PAIRS} times`,
      figure: `${wrong.lost} lost, ${wrong.twice} twice`,
      budget: "0 lost, 0 twice",
      ok: wrong.lost === 0 && wrong.twice === 0,
    },
    {
      name: "... a second, against the same raw calls",
      figure: `${value.toFixed(2)} x  (${Math.round(median(rates.ours))} / ${Math.round(median(rates.raw))} a second)`,
      budget: ">= 0.75",
      ok: value >= 0.75,
    },
  ];
}

const LOOPS = 8;
const COMMANDS = 25; // of each loop

/** As shells do it: each of several loops starts one command after the other. What bare node does so is all that there is. */
async function manyCommands(dir) {
  await new Relay(`${dir}/.relay`, { session: "reader", agent: "bench" }).agents.register();
  const env = { PATH: "/usr/bin:/bin", HOME: dir, USER: "bench" };
  const perSecond = async (args) => {
    const begin = performance.now();
    const loop = async (_, index) => {
      for (let n = 0; n < COMMANDS; n++) {
        const child = spawn(process.execPath, args(index), { cwd: dir, env, stdio: "ignore" });
        const code = await new Promise((resolve) => child.on("close", resolve));
        if (code !== 0) throw new Error(`${args(index).join(" ")} ended with ${code}`);
      }
    };
    await Promise.all(Array.from({ length: LOOPS }, loop));
    return (LOOPS * COMMANDS * 1000) / (performance.now() - begin);
  };
  const rates = { ours: [], bare: [] };
  for (let round = 0; round < 3; round++) {
    rates.bare.push(await perSecond(() => ["-e", "0"]));
    rates.ours.push(await perSecond((index) => [command, "send", "--session", `s${index}`, "--to", "reader", "hello"]));
  }
  const value = median(rates.ours.map((rate, index) => rate / rates.bare[index]));
  const figure = `${value.toFixed(2)} x  (${Math.round(median(rates.ours))} / ${Math.round(median(rates.bare))} a second)`;
  return { figure, budget: ">= 0.8", ok: value >= 0.8 };
}

async function contenders(dir) {
  const { took, results } = await together(
    Array.from({ length: 32 }, (_, index) => start("update", `${dir}/.relay`, index, 50)),
  );
  const longest = Math.max(...results.map(Number));
  const { count } = JSON.parse(fs.readFileSync(`${dir}/.relay/tasks/one.json`, "utf8"));
  return {
    figure: `${1600 - count} lost, longest wait ${ms(longest)}`,
    budget: `0 lost, <= 1,500 ms (all took ${ms(took)})`,
    ok: count === 1600 && longest <= 1500,
  };
}

async function idleWatch(dir) {
  const watcher = start("watch", `${dir}/.relay`);
  await watcher.line();
  await new Promise((resolve) => setTimeout(resolve, 15_000)); // V8 compiles and collects for a while
  const before = cpuMs(watcher.child.pid);
  await new Promise((resolve) => setTimeout(resolve, 30_000));
  const percent = (cpuMs(watcher.child.pid) - before) / 300;
  watcher.child.kill();
  return { figure: `${percent.toFixed(3)} % CPU over 30 s`, budget: "< 0.1 %", ok: percent < 0.1 };
}

function cpuMs(pid) {
  return fs
    .readdirSync(`/proc/${pid}/task`)
    .reduce(
      (sum, task) => sum + Number(fs.readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]) / 1e6,
      0,
    );
}

export const processCases = [
  { name: "wake: send returned -> another process's watcher", run: wake },
  { name: "32 processes x 500 sends into one inbox", run: manySenders },
  { name: "8 shells of one send after the other, against node", run: manyCommands },
  { name: "one locked update, 32 contenders", run: contenders },
  { name: "idle watch", run: idleWatch },
];
