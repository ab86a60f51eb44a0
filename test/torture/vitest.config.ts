import { defineConfig } from "vitest/config";
import { PATIENCE } from "../patience.ts";

export default defineConfig({
  test: {
    ...PATIENCE,
    include: ["test/**/*.torture.ts"],
    maxWorkers: "100%", // one a core: more of them only hold each other up
    disableConsoleIntercept: true,
  },
});
