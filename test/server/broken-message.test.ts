import fs from "node:fs";
import { expect, test } from "vitest";
import { Relay } from "../../src/relay.ts";
import { tempDir } from "../support/cli.ts";
import { World } from "../support/http-relay.ts";

/** A message from ann to bob on a server, each a user, whose file was cut to 100 bytes. */
async function cut() {
  const dir = `${tempDir()}/.relay`;
  const world = await World.serve({ here: dir });
  const as = async (session: string) => {
    const store = world.storeWith("here", await world.token("here", session), session);
    return new Relay("/nowhere/.relay", { session, agent: "claude", store });
  };
  const [ann, bob, eve] = [await as("ann1"), await as("bob1"), await as("eve1")];
  for (const relay of [ann, bob, eve]) await relay.agents.register();
  const { id } = await ann.send("which port?", { to: "bob1" });
  const file = `${dir}/messages/${id}.json`;
  const whole = fs.readFileSync(file, "utf8");
  fs.truncateSync(file, 100);
  return { ann, bob, eve, id, file, whole };
}

test("over HTTP a broken message vanished: its reader was told that there is none, and its sender nothing", async () => {
  const { ann, bob, eve, id, file, whole } = await cut();
  expect(await bob.inbox()).toMatchObject({ items: [], broken: [id] });
  expect(await bob.inbox(), "each time").toMatchObject({ items: [], broken: [id] });
  for (const end of [ann, bob])
    await expect(end.messages.get(id)).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("set aside"),
    });
  await expect(eve.messages.get(id), "it is nobody else's to know").rejects.toMatchObject({ code: "not_found" });
  const told = async () => (await ann.inbox({ peek: true })).items.map(({ message }) => message.content).join();
  await expect.poll(told, { timeout: 20_000 }).toContain(`Your message ${id} could not be read`);
  fs.writeFileSync(file, whole);
  expect((await bob.inbox()).items.map(({ message }) => message.content)).toEqual(["which port?"]);
});
