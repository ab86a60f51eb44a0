import { expect, test } from "vitest";
import { Relay } from "../../src/index.ts";
import { HttpStore } from "../../src/store/http/http-store.ts";
import { tempDir } from "../support/cli.ts";
import { World } from "../support/http-relay.ts";

test("to list agents, a client asked its server once for each of them how much mail waits for it", async () => {
  const dir = `${tempDir()}/.relay`;
  const world = await World.serve({ shop: dir });
  const here = (session: string) => new Relay(dir, { session, durability: "process" });
  const sessions = Array.from({ length: 1200 }, (_, n) => `s${n}`);
  for (const session of sessions) await here(session).agents.register();
  for (const to of ["s0", "s7", "s7", "s1199"]) await here("s1").send("hello", { to });
  const store = new HttpStore(`${world.origin}/shop`, {
    now: Date.now,
    credentials: { secret: async () => world.local },
  });
  store.actAs("s7");
  const relay = new Relay(dir, { session: "s7", store });

  const asked = () => Number(/^agent_relay_request_seconds_count (\d+)/m.exec(world.host?.metrics.text() ?? "")?.[1]);
  const before = asked();
  const items = await relay.agents.list({ unread: true });
  const count = asked() - before;

  const waiting = items.filter(({ unread }) => unread !== 0).map((each) => [each.session_id, each.unread]);
  expect(items).toHaveLength(1200);
  expect(waiting.sort()).toEqual([
    ["s0", 1],
    ["s1199", 1],
    ["s7", 2],
  ]);
  expect(count).toBeLessThan(20);
});
