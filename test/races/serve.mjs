// The worker's end of processes.ts: one line asks, one line answers.
import fs from "node:fs";
import { createInterface } from "node:readline";

/** Says something unasked. Written before the call returns, so that a kill right after it takes nothing back. */
export function say(note) {
  write({ note });
}

export async function serve(verbs) {
  const known = { ready: () => true, ...verbs };
  for await (const line of createInterface({ input: process.stdin })) {
    const [verb, args] = JSON.parse(line);
    try {
      write({ value: (await known[verb](args)) ?? null });
    } catch (error) {
      write({ error: { code: error.code, message: String(error.stack) } });
    }
  }
  process.exit(0); // whoever asked is gone
}

function write(line) {
  fs.writeSync(1, `${JSON.stringify(line)}\n`);
}
