import { defineConfig } from "vitest/config";
import { LEAN, PATIENCE } from "../patience.ts";
import { slowestFirst } from "../slowest-first.ts";

export default defineConfig({
  test: {
    ...PATIENCE,
    env: LEAN,
    include: ["test/**/*.torture.ts"],
    maxWorkers: "100%", // one a core: more of them only hold each other up
    isolate: false,
    sequence: { sequencer: slowestFirst(["torture/kill", "compat/", "torture/partition", "torture/power"]) },
    disableConsoleIntercept: true,
  },
});
