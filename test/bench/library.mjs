import fs from "node:fs";
import { FileStore, Relay } from "../../dist/index.js";
import { compared, inTurn, median, ms, ratio, rawFolders, rawSend } from "./measure.mjs";

const limits = { perMinute: 1e9 };

async function sending(dir, durability, budget) {
  const sender = new Relay(`${dir}/.relay`, { session: "a", agent: "bench", durability, limits });
  const reader = new Relay(`${dir}/.relay`, { session: "b", agent: "bench", durability });
  await sender.agents.register();
  await reader.agents.register();
  await sender.send("warm", { to: "b" });
  const [name] = fs.readdirSync(`${dir}/.relay/messages`);
  const bytes = fs.readFileSync(`${dir}/.relay/messages/${name}`);
  rawFolders(`${dir}/raw`);
  const text = "warm";
  const times = await inTurn(
    durability === "power" ? 400 : 1500,
    () => sender.send(text, { to: "b" }),
    (round) => rawSend(`${dir}/raw`, `msg-${String(round).padStart(21, "0")}`, bytes, durability === "power"),
  );
  return compared(ratio(times), budget);
}

async function lockedUpdate(dir) {
  const store = new FileStore(`${dir}/.relay`, { durability: "process" });
  await store.create("tasks/one", { count: 0 });
  const times = [];
  for (let round = 0; round < 500; round++) {
    const start = performance.now();
    await store.update("tasks/one", (old) => ({ count: Number(old?.count) + 1 }));
    times.push(performance.now() - start);
  }
  const value = median(times);
  return { figure: ms(value), budget: "<= 0.5 ms", ok: value <= 0.5 };
}

/** What an install brings: every package that package-lock.json has for use, not for development. */
function packages() {
  const lock = JSON.parse(fs.readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"));
  const names = Object.entries(lock.packages)
    .filter(([name, { dev }]) => name !== "" && !dev)
    .map(([name]) => name.replace(/^.*node_modules\//, ""));
  return { figure: names.sort().join(" ") || "none", budget: "none", ok: names.length === 0 };
}

export const libraryCases = [
  { name: "relay.send to one, durable, against raw calls", run: (dir) => sending(dir, "power", 1.3) },
  { name: "relay.send to one, process-durable, against raw", run: (dir) => sending(dir, "process", 2) },
  { name: "one locked update, uncontended", run: lockedUpdate },
  { name: "packages that an install brings", run: packages },
];
