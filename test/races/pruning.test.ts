import fs from "node:fs";
import { expect, test } from "vitest";
import { FileStore } from "../../src/store/file/file-store.ts";
import { rounds } from "../support/scale.ts";
import { newRelayDir, start } from "./workers.ts";

test("while empty folders are removed as fast as can be, each message and each mark made in them is listed", async () => {
  const dir = newRelayDir();
  const store = new FileStore(dir, { durability: "process" });
  await store.mark("tasks/titles/first/a");
  const pruner = await start("pruner.mjs", { dir });
  await pruner.ask("begin");
  for (let n = 0; n < rounds(500); n++) {
    await store.publish(`messages/msg-${n}`, { n }, { inboxes: ["bob"] });
    await store.mark(`tasks/titles/title/task-${n}`);
    expect(await store.marks("inboxes/bob")).toEqual([`msg-${n}`]);
    expect(await store.marks("tasks/titles/title")).toEqual([`task-${n}`]);
    await store.unmark(`inboxes/bob/msg-${n}`);
    await store.unmark(`tasks/titles/title/task-${n}`);
    for (const folder of ["inboxes/bob", "tasks/titles/title"]) makeOld(`${dir}/${folder}`);
  }
  expect(await pruner.ask("end"), "they met").toBeGreaterThan(rounds(500) / 50);
});

function makeOld(folder: string): void {
  if (fs.existsSync(folder)) fs.utimesSync(folder, 0, 0);
}
