import { spawnSync } from "node:child_process";
import fs from "node:fs";

export function median(values) {
  return percentile(values, 0.5);
}

export function percentile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

export function ms(value) {
  return value < 10 ? `${value.toFixed(3)} ms` : `${value.toFixed(1)} ms`;
}

/** Times `a` and `b` in turn, so that both meet the same weather; returns their times in ms. */
export async function inTurn(count, a, b) {
  const times = { a: [], b: [] };
  for (let round = 0; round < count; round++) {
    const order = round % 2 === 0 ? ["a", "b"] : ["b", "a"];
    for (const which of order) {
      const start = performance.now();
      await (which === "a" ? a(round) : b(round));
      times[which].push(performance.now() - start);
    }
  }
  return times;
}

/** The median of the ratios of neighbours, and the medians themselves. */
export function ratio(times) {
  const ratios = times.a.map((value, index) => value / times.b[index]);
  return { ratio: median(ratios), a: median(times.a), b: median(times.b) };
}

export function compared({ ratio: value, a, b }, budget) {
  return { figure: `${value.toFixed(2)} x  (${ms(a)} / ${ms(b)})`, budget: `<= ${budget}`, ok: value <= budget };
}

/** Runs a whole process in a clean environment. */
export function runProcess(args, cwd) {
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd,
    env: { PATH: "/usr/bin:/bin", HOME: cwd, USER: "bench" },
  });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${status}: ${stderr}`);
}

/** What a message of ours is made of, by the raw calls: the same bytes, one pointer and its touch. */
export function rawSend(dir, name, bytes, isLasting) {
  const draft = fs.openSync(`${dir}/drafts/${name}`, "wx", 0o600);
  fs.writeSync(draft, bytes);
  if (isLasting) fs.fsyncSync(draft);
  fs.closeSync(draft);
  fs.closeSync(fs.openSync(`${dir}/inbox/${name}`, "wx", 0o600));
  fs.renameSync(`${dir}/drafts/${name}`, `${dir}/messages/${name}.json`);
  if (isLasting) {
    const folder = fs.openSync(`${dir}/messages`, "r");
    fs.fsyncSync(folder);
    fs.closeSync(folder);
  }
  fs.utimesSync(`${dir}/inbox/${name}`, 1, 1);
}

export function rawFolders(dir) {
  for (const folder of ["drafts", "inbox", "messages"]) fs.mkdirSync(`${dir}/${folder}`, { recursive: true });
}
