import os from "node:os";
import { defineConfig } from "vitest/config";
import { LEAN, PATIENCE } from "../patience.ts";

// Every story of the command once more, with the relay behind a server and each agent as a user of its own.
export default defineConfig({
  test: {
    ...PATIENCE,
    include: ["test/stories/*.test.ts"],
    setupFiles: ["test/support/ruled-writes.ts"],
    env: { ...LEAN, RELAY_STORIES: "over HTTP", TZ: "UTC" },
    isolate: false,
    maxWorkers: 2 * os.availableParallelism(),
  },
});
