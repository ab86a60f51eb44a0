import { defineConfig } from "vitest/config";
import { PATIENCE } from "../patience.ts";

export default defineConfig({
  test: {
    ...PATIENCE,
    include: ["test/**/*.hosts.ts"],
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
