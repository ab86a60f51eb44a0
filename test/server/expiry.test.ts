import { expect, test } from "vitest";
import { forgetOld } from "../../src/server/expiry.ts";
import { MemoryStore } from "../../src/store/memory.ts";

test("what a server noted of requests goes after a day, and invitations when they have run out; nothing before", async () => {
  const now = Date.parse("2026-05-02T12:00:00Z");
  const store = new MemoryStore();
  await store.create("sends/old", { at: now - 86_400_001, ids: [] });
  await store.create("sends/new", { at: now - 86_400_000, ids: [] });
  await store.create("invites/old", { uses: 1, expires_at: now - 1 });
  await store.create("invites/new", { uses: 1, expires_at: now });
  await store.create("invited/old", { expires_at: now - 1 });
  await store.create("invited/new", { expires_at: now });
  await forgetOld(store, now);
  expect(await store.list("invited")).toEqual(["new"]);
  expect([await store.list("sends"), await store.list("invites")]).toEqual([["new"], ["new"]]);
});
