import { once } from "node:events";
import { expect, test } from "vitest";
import { tempDir } from "../support/cli.ts";
import { living } from "../support/living-process.ts";
import { relay } from "../support/relay-of.ts";

const texts = async (of: ReturnType<typeof relay>) => (await of.inbox()).items.map(({ message }) => message.content);

test("mail to a name was stranded when its agent came back under another session id", async () => {
  const dir = tempDir();
  const [ann, first] = [relay(dir, "ann"), relay(dir, "run-1")];
  await first.agents.register({ name: "api" });
  await ann.send("read before", { to: "api" });
  await first.inbox();
  await first.agents.unregister();
  await ann.send("for whoever is api", { to: "api" });
  await ann.send("for that run alone", { to: "run-1" });
  const second = relay(dir, "run-2");
  await second.agents.register({ name: "api" });
  expect(await texts(second)).toEqual(["for whoever is api"]);
  expect(await texts(first)).toEqual(["for that run alone"]);
  const [message] = (await ann.messages.history({ limit: 2 })).messages;
  expect(message?.receipts?.["run-2"]?.read_at).toEqual(expect.any(String));
});

test("who has no name, or another, takes nobody's mail", async () => {
  const dir = tempDir();
  const [ann, first] = [relay(dir, "ann"), relay(dir, "run-1")];
  await first.agents.register({ name: "api" });
  await first.agents.unregister();
  await ann.send("for whoever is api", { to: "api" });
  for (const [session, name] of [
    ["run-2", undefined],
    ["run-3", "web"],
  ] as const) {
    await relay(dir, session).agents.register({ name });
    expect(await texts(relay(dir, session)), session).toEqual([]);
  }
});

test("the name of an agent that was killed could not be taken", async () => {
  const dir = tempDir();
  const child = await living();
  await relay(dir, "run-1").agents.register({ name: "api", pid: child.pid });
  await expect(relay(dir, "run-2").agents.register({ name: "api" })).rejects.toMatchObject({ code: "conflict" });
  child.kill("SIGKILL");
  await once(child, "exit");
  await relay(dir, "ann").send("for api", { to: "api" });
  await relay(dir, "run-2").agents.register({ name: "api" });
  expect(await texts(relay(dir, "run-2"))).toEqual(["for api"]);
});
