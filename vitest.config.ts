import os from "node:os";
import { defineConfig } from "vitest/config";
import { LEAN, PATIENCE } from "./test/patience.ts";
import { slowestFirst } from "./test/slowest-first.ts";

const SLOWEST = [
  "mirror/attacks",
  "faults/unreadable",
  "faults/hostile",
  "mcp/server",
  "mirror/",
  "daemon/wake",
  "server/server",
  "setup/",
  "races/",
  "shell/writes",
];

export default defineConfig({
  test: {
    ...PATIENCE,
    setupFiles: ["test/support/ruled-writes.ts"],
    env: { ...LEAN, TZ: "UTC" }, // what is shown to people is in local time
    isolate: false, // to read the modules anew for each file takes a third of the run
    // Half of a test's time is waiting: for a disk, a process, a clock.
    maxWorkers: 3 * os.availableParallelism(),
    sequence: { sequencer: slowestFirst(SLOWEST) },
  },
});
