import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { runDaemon, seenInMemory } from "../../../src/daemon/daemon.ts";
import { DAEMON_LIMITS } from "../../../src/daemon/limits.ts";
import { Relay } from "../../../src/index.ts";
import { HttpStore } from "../../../src/store/http/http-store.ts";
import { tempDir } from "../../support/cli.ts";
import { World } from "../../support/http-relay.ts";

/** A server that can be away for a moment, and relays of it that are told of it. */
async function beginning() {
  const folder = `${tempDir()}/.relay`;
  const world = await World.serve({ relay: folder });
  const { port } = world;
  const notices: string[] = [];
  const store = (session: string) => {
    const made = new HttpStore(`http://127.0.0.1:${port}/relay`, {
      patience: { once: 10_000, inAll: 5000, reopen: 50 },
      ...{ now: Date.now, onNotice: ({ text }: { text: string }) => notices.push(text) },
      credentials: { secret: async () => world.local },
    });
    made.actAs(session);
    return made;
  };
  const relay = (session: string) => new Relay(folder, { session, store: store(session) });
  const here = new Relay(folder, { session: "sender" }); // as somebody at the server's own machine
  return {
    ...{ world, store, relay, here, notices },
    /** Resolves when the server has this many streams open. */
    watched: (by: number) => expect.poll(() => world.host?.metrics.text()).toContain(`agent_relay_streams ${by}\n`),
    goAway: () => world.end(),
    comeBack: () => world.start({ port }),
    origin: `http://127.0.0.1:${port}`,
  };
}

test("a watch, a wait and the activity that is followed ended when their server was started again", async () => {
  const { relay, here, notices, watched, goAway, comeBack, origin } = await beginning();
  const [watcher, waiter, follower] = [relay("watcher"), relay("waiter"), relay("follower")];
  await waiter.agents.register();
  const messages = watcher.watch();
  const first = messages.next();
  await expect.poll(() => here.agents.find("watcher")).toBeDefined();
  await here.send("before", { to: "watcher" });
  expect((await first).value?.content).toBe("before");
  const second = messages.next();
  const waiting = waiter.wait({ message: true });
  const end = new AbortController();
  const entries = follower.events({ signal: end.signal });
  const seen: (string | undefined)[] = [];
  const following = (async () => {
    for await (const entry of entries) seen.push("text" in entry ? entry.text : "");
  })();
  await watched(4);
  await goAway();
  await expect.poll(() => notices).toContain(`${origin} cannot be reached now: waits until it can`);
  await here.send("meanwhile", { to: ["watcher", "waiter"] });
  await here.activity.note("meanwhile");
  await comeBack();
  expect((await second).value?.content).toBe("meanwhile");
  expect((await waiting).outcome).toHaveLength(1);
  await expect.poll(() => seen.length).toBeGreaterThan(0);
  await expect.poll(() => notices).toContain(`${origin} can be reached again`);
  end.abort();
  await following;
  await watcher.close();
});

test("a daemon ended when its server was started again", async () => {
  const { relay, store, here, watched, goAway, comeBack } = await beginning();
  const mine = relay("d");
  await mine.agents.register();
  const end = new AbortController();
  const log: string[] = [];
  const runs: number[] = [];
  const daemon = runDaemon(
    {
      ...{ relay: mine, store: store("d"), now: Date.now, log: (line: string) => log.push(line), end: () => {} },
      start: async () => ({ code: runs.push(1), wasCut: false }),
    },
    {
      ...{ command: ["true"], limits: DAEMON_LIMITS, isAgent: false, isOnce: true },
      ...{ isMeant: () => true, known: seenInMemory() },
    },
    end.signal,
  );
  await expect.poll(() => log.join()).toMatch(/watches/);
  await watched(1);
  await goAway();
  await here.send("meanwhile", { to: "d" });
  await comeBack();
  await daemon;
  expect(runs).toEqual([1]);
});

test("a watch that is told to end while its server is away ends, and does not fail", async () => {
  const { relay, notices, watched, goAway } = await beginning();
  const end = new AbortController();
  const got = (async () => {
    for await (const _ of relay("watcher").watch({ signal: end.signal }));
    return "ended";
  })();
  await watched(1);
  await goAway();
  await expect.poll(() => notices).not.toEqual([]);
  end.abort();
  expect(await got).toBe("ended");
});

/** A server that begins to answer, and then says nothing more. */
async function stalling(head: string) {
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write(head));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return new HttpStore(`http://127.0.0.1:${port}`, { now: Date.now, patience: { once: 50, inAll: 200, reopen: 50 } });
}

test.each(["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "HTTP/1.1 200 OK\r\nContent-Le", ""])(
  "a response that stalls after %j hung the client for good",
  async (head) => {
    const store = await stalling(head);
    await expect(store.get("relay")).rejects.toMatchObject({ code: "timed_out" });
    await expect(store.mark("a/b")).rejects.toMatchObject({
      code: "timed_out",
      message: expect.stringContaining("whether it was done is not known"),
    });
    const end = new AbortController();
    const hints = store.watch("agents", end.signal);
    expect((await hints.next()).value).toBe("changed");
    const next = hints.next();
    if (!head.endsWith("{")) expect((await next).value).toBe("changed"); // opened anew
    end.abort();
    await next;
    await store.close();
  },
);

test("after SIGTERM a server answered for 10 s more on a connection that is kept", async () => {
  const world = await World.serve({ relay: `${tempDir()}/.relay` });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const socket = net.connect(world.port, "127.0.0.1");
  let said = "";
  socket.on("data", (chunk) => {
    said += chunk;
  });
  socket.write(`GET /health HTTP/1.1\r\nHost: 127.0.0.1:${world.port}\r\n`); // half of a request
  await once(socket, "connect");
  await expect.poll(() => world.host?.metrics.text()).toContain("connections 1");
  const ended = world.end();
  socket.write("\r\n");
  await once(socket, "close");
  expect(said).toMatch(/^connection: close\r$/im);
  await ended;
});
