import { expect, test } from "vitest";
import { Story } from "../../support/cli.ts";

test("acks after a mistyped id were left out, and the earlier ones not told of", async () => {
  const story = new Story();
  await story.as("b", "register");
  const [id = ""] = (await story.as("a", "send", "--to", "b", "--ack", "hi")).out.split(" ");
  const { code, err } = await story.as("b", "ack", id, "nope");
  expect({ code, err }).toMatchObject({
    code: 3,
    err: expect.stringMatching(`^Acked ${id}, and no more:\nCannot find`),
  });
});
