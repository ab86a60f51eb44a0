import { defineConfig } from "vitest/config";
import { PATIENCE } from "../patience.ts";

// Every story of the command once more, with the relay behind a server and each agent as a user of its own.
export default defineConfig({
  test: {
    ...PATIENCE,
    include: ["test/stories/*.test.ts"],
    env: { RELAY_STORIES: "over HTTP", TZ: "UTC" },
  },
});
