import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.hosts.ts"],
    testTimeout: 60_000,
    hookTimeout: 900_000, // a host is installed and runs in it; both have limits of their own
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
