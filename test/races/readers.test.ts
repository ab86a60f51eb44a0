import { expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { racers, rounds } from "../support/scale.ts";
import { askAll, crowd, Notes, newRelayDir, start } from "./workers.ts";

const READERS = racers(16);
const BROADCASTS = rounds(200);
const SENDS = rounds(300);

test(`${READERS} readers that mark the same ${BROADCASTS} broadcasts lose no receipt`, async () => {
  const dir = newRelayDir();
  const readers = await crowd(READERS, "agent.mjs", (index) => ({ dir, session: `reader-${index}` }));
  await askAll(readers, "register");
  const sender = new Relay(dir, { session: "sender", durability: "process" });
  const ids: string[] = [];
  for (let n = 0; n < BROADCASTS; n++) ids.push((await sender.send(`news ${n}`)).id);

  await askAll(readers, "markRead", { ids });

  const sessions = readers.map((_, index) => `reader-${index}`).toSorted();
  for (const id of ids) {
    const { read_by, receipts = {} } = await sender.messages.get(id);
    expect(read_by[0], "the sender's own comes first").toBe("sender");
    expect(read_by.slice(1).toSorted()).toEqual(sessions);
    expect(Object.keys(receipts).toSorted()).toEqual(sessions);
  }
  for (const session of sessions) expect(await new Relay(dir, { session }).messages.unreadCount()).toBe(0);
});

test("two readers of one session show every message, and none twice", async () => {
  const dir = newRelayDir();
  await new Relay(dir, { session: "shared" }).agents.register();
  const shown: unknown[][] = [[], []];
  const notes = [new Notes(), new Notes()];
  const readers = await Promise.all(
    [0, 1].map((index) =>
      start(
        "agent.mjs",
        { dir, session: "shared" },
        {
          onNote: (note) => (note === "done" ? notes[index]?.hear(note) : shown[index]?.push(note)),
        },
      ),
    ),
  );
  const sender = await start("agent.mjs", { dir, session: "sender" });

  await askAll(readers, "show", { limit: 7 });
  const sent = await sender.ask<string[]>("sendMany", { count: SENDS, to: "shared" });
  await askAll(readers, "stop");
  await Promise.all(notes.map((each) => each.said("done")));

  console.log(`two readers of one session showed ${shown.map((ids) => ids.length).join(" and ")} of ${SENDS}`);
  expect(shown.flat().toSorted()).toEqual(sent.toSorted());
});
