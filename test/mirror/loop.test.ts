import { expect, onTestFinished, test } from "vitest";
import { AuthorizedStore } from "../../src/access/authorized-store.ts";
import { keepMirroring } from "../../src/mirror/loop.ts";
import type { Replicas } from "../../src/mirror/replica.ts";
import { Mirror } from "../../src/mirror/round.ts";
import { Relay } from "../../src/relay.ts";
import { MemoryStore } from "../../src/store/memory.ts";

/** A mirror that runs, of two relays in memory. `meanwhile` is done once, at the end of a round that a line of the log began. */
async function running(meanwhile: (srv: Relay, end: AbortController) => unknown) {
  const [local, server] = [new MemoryStore({ now: Date.now }), new MemoryStore({ now: Date.now })];
  const srv = new Relay("/srv", { session: "srv", agent: "x", store: server });
  const replicas: Replicas = {
    ...{ project: "/p", local, owner: "ann/box", relay: "relay-x", now: Date.now, ahead: () => 0 },
    remote: (session) => new AuthorizedStore(server, { session, owner: "ann/box" }, { now: Date.now }),
    notice: (text) => expect(text).toBe(""),
  };
  const end = new AbortController();
  const states: string[] = [];
  let isDone = false;
  const mirror = new Proxy(new Mirror(replicas), {
    get(target, name) {
      if (name !== "round") return Reflect.get(target, name);
      return async (parts?: Parameters<Mirror["round"]>[0]) => {
        const more = await target.round(parts);
        if (parts?.size !== 0 || isDone) return more;
        isDone = true;
        await meanwhile(srv, end);
        return more;
      };
    },
  });
  const over = keepMirroring({
    ...{ mirror, replicas, signal: end.signal, stampOf: () => "the same" },
    onAgreed: () => states.push("agreed"),
    onLost: () => states.push("lost"),
  });
  onTestFinished(async () => {
    end.abort();
    await over;
  });
  await expect.poll(() => states).toEqual(["agreed"]);
  await srv.activity.note("a line that begins a round");
  return { local, over };
}

test("what happens on the server while a round has read its log already is heard after that round, not a minute later", async () => {
  const { local } = await running((srv) => srv.tasks.add("late"));
  await expect.poll(async () => (await local.list("tasks")).length).toBe(1);
});

test("a mirror that is asked to end in the middle of a round ends with it, not a minute later", async () => {
  const { over } = await running((_, end) => end.abort());
  await over;
});
