import os from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { PATIENCE } from "./test/patience.ts";

// The files that take longest begin first, so that none is left to run alone at the end.
const SLOWEST = [
  "mirror/attacks",
  "mcp/server",
  "mirror/",
  "daemon/wake",
  "server/server",
  "setup/",
  "races/",
  "shell/writes",
];

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const found = SLOWEST.findIndex((part) => moduleId.includes(`/test/${part}`));
      return found < 0 ? SLOWEST.length : found;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    ...PATIENCE,
    env: { TZ: "UTC" }, // what is shown to people is in local time
    // Half of a test's time is waiting: for a disk, a process, a clock.
    maxWorkers: 3 * os.availableParallelism(),
    sequence: { sequencer: SlowestFirst },
  },
});
