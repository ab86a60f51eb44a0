import { defineConfig } from "vitest/config";
import { PATIENCE } from "../patience.ts";

// Every race with all its rounds and processes; one after the other, since each takes the whole machine.
export default defineConfig({
  test: {
    ...PATIENCE,
    include: ["test/races/*.test.ts"],
    env: { RELAY_RACES: "whole" },
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
