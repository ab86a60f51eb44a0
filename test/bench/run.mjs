// Prints what agent-relay costs, as ratios against the raw calls and bare node measured in the same run.
// Usage: node test/bench/run.mjs [part of a name ...]
import fs from "node:fs";
import os from "node:os";
import { commandCases } from "./command.mjs";
import { coordinationCases } from "./coordination.mjs";
import { growthCases } from "./growth.mjs";
import { hookCases } from "./hooks.mjs";
import { libraryCases } from "./library.mjs";
import { mcpCases } from "./mcp.mjs";
import { processCases } from "./processes.mjs";
import { remoteCases } from "./remote.mjs";
import { serverCases } from "./server.mjs";
import { sizeCases } from "./sizes.mjs";

const wanted = process.argv.slice(2);
const root = fs.mkdtempSync(`${process.env.BENCH_DIR ?? os.tmpdir()}/relay-bench-`);
const cpu = os.cpus()[0]?.model ?? "unknown processor";
console.log(
  `${os.cpus().length} x ${cpu}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, Linux ${os.release()}, node ${process.version}`,
);
console.log("A figure within its budget says ok; the machine may be shared, so read the ratios, not the times.\n");

let over = 0;
try {
  for (const { name, run, isLong } of [
    ...commandCases,
    ...hookCases,
    ...mcpCases,
    ...serverCases,
    ...remoteCases,
    ...libraryCases,
    ...coordinationCases,
    ...sizeCases,
    ...growthCases,
    ...processCases,
  ]) {
    if (isLong && wanted.length === 0) continue;
    if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
    for (const line of [await run(fs.mkdtempSync(`${root}/case-`))].flat()) {
      const verdict = line.ok === undefined ? "    " : line.ok ? "ok  " : "OVER";
      if (line.ok === false) over++;
      console.log(`${verdict} ${(line.name ?? name).padEnd(52)} ${line.figure.padEnd(34)} ${line.budget ?? ""}`);
    }
  }
} finally {
  fs.rmSync(root, { recursive: true, force: true });
}
console.log(over === 0 ? "\nAll within budget" : `\n${over} over budget`);
process.exitCode = over === 0 ? 0 : 1;
