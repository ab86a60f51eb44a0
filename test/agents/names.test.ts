import { expect, test } from "vitest";
import { tempDir } from "../support/cli.ts";
import { relay } from "../support/relay-of.ts";

test("a name that is another's session id took its mail, or lost its own to it", async () => {
  const dir = tempDir();
  await relay(dir, "gemini-1").agents.register();
  await expect(relay(dir, "s1").agents.register({ name: "gemini-1" })).rejects.toMatchObject({ code: "conflict" });
  await relay(dir, "s1").agents.register({ name: "otter" });
  await expect(relay(dir, "otter").agents.register()).rejects.toMatchObject({ code: "conflict" });
  await expect(relay(dir, "s1").agents.register({ name: "you" })).rejects.toMatchObject({ code: "usage" });
});
