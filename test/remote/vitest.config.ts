import { defineConfig } from "vitest/config";

// Every story of the command once more, with the relay behind a server and each agent as a user of its own.
export default defineConfig({
  test: {
    include: ["test/stories/*.test.ts"],
    env: { RELAY_STORIES: "over HTTP" },
    testTimeout: 60_000,
  },
});
