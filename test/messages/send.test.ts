import { expect, test } from "vitest";
import { tempDir } from "../support/cli.ts";
import { drop } from "../support/foreign-message.ts";
import { relay } from "../support/relay-of.ts";

test("an answer to a session whose id begins another's did reach the other", async () => {
  const dir = tempDir();
  drop(dir, "msg-1", { from_session: "claude", to_session: "gemini" });
  await relay(dir, "claude-1").agents.register();
  const sent = await relay(dir, "gemini").reply("msg-1", "for claude alone");
  expect(sent.messages.map((message) => message.to_session)).toEqual(["claude"]);
  expect((await relay(dir, "gemini").send("kept", { to: "claude", keep: true })).messages[0]?.to_session).toBe(
    "claude",
  );
  expect(await relay(dir, "claude-1").messages.unreadCount()).toBe(0);
});

test("a message that was answered, and seen in its thread only, came again as new, without a receipt", async () => {
  const dir = tempDir();
  const [a, b] = [relay(dir, "a"), relay(dir, "b")];
  await b.agents.register();
  for (const to of ["b", "all"]) {
    const { id } = await a.send("fyi", { to });
    await b.messages.thread(id);
    await b.reply(id, "noted");
    expect(await b.messages.unreadCount(), to).toBe(0);
    const [message] = await a.messages.thread(id);
    expect(message?.receipts?.b?.read_at, to).toEqual(expect.any(String));
    await a.inbox();
  }
});

test("an answer in a conversation that nobody knows was sent, and a record too large to be read", async () => {
  const dir = tempDir();
  await relay(dir, "b").agents.register();
  await expect(relay(dir, "a").send("hi", { to: "b", thread: "x".repeat(9e6) })).rejects.toMatchObject({
    code: "not_found",
  });
  const large = relay(dir, "a", { limits: { bodyBytes: 20e6 } });
  await expect(large.send("x".repeat(9e6), { to: "b" })).rejects.toMatchObject({ code: "limit" });
  await expect(large.agents.register({ metadata: { x: "x".repeat(9e6) } })).rejects.toMatchObject({ code: "limit" });
  expect(await relay(dir, "b").messages.unreadCount()).toBe(0);
});

test("a send to several that one could not take said nothing of those that had it", async () => {
  const dir = tempDir();
  for (const session of ["b", "c"]) await relay(dir, session).agents.register();
  const small = relay(dir, "a", { limits: { inboxUnread: 2 } });
  for (const text of ["1", "2"]) await small.send(text, { to: "c" });
  await expect(small.send("both", { to: ["b", "c"] })).rejects.toMatchObject({
    code: "limit",
    message: expect.stringMatching(/its inbox is full \(2 unread\); sent already to b \(msg-/),
  });
});

test("an empty list of recipients was everyone", async () => {
  await expect(relay(tempDir(), "a").send("secret", { to: [] })).rejects.toMatchObject({ code: "usage" });
});
