import { defineConfig } from "vitest/config";
import { PATIENCE } from "../patience.ts";

export default defineConfig({
  test: {
    ...PATIENCE,
    include: ["test/**/*.torture.ts"],
    maxWorkers: "200%", // they wait more than they compute: for the disk, and for leases to run out
    disableConsoleIntercept: true,
  },
});
