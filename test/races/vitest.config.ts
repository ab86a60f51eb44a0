import { defineConfig } from "vitest/config";
import { LEAN, PATIENCE } from "../patience.ts";

// What npm test runs a tenth of, whole: races with all their rounds and processes, kills at random points, large inputs.
export default defineConfig({
  test: {
    ...PATIENCE,
    include: [
      "test/races/*.test.ts",
      "test/tasks/indexes.test.ts",
      "test/tasks/indexes-killed.test.ts",
      "test/mirror/killed.test.ts",
      "test/mcp/server.test.ts",
      "test/server/app.test.ts",
      "test/faults/hostile-fields.test.ts",
      "test/faults/unreadable.test.ts",
      "test/faults/unwritable.test.ts",
      "test/store/file/file-store-faults.test.ts",
      "test/shell/writes.test.ts",
    ],
    env: { ...LEAN, RELAY_SCALE: "whole" },
    maxWorkers: "100%", // one a core: more of them only hold each other up
    isolate: false,
    disableConsoleIntercept: true,
  },
});
