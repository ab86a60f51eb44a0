import { once } from "node:events";
import net from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Relay } from "../../src/relay.ts";
import { tempDir } from "../support/cli.ts";
import { World } from "../support/http-relay.ts";

const PATIENCE = { headers: 300, request: 600, looks: 100 };
const SLOW = 2000; // ms

async function served(): Promise<{ world: World; relay: Relay; secret: string }> {
  const streams = { most: 100, mostEach: 100, slow: SLOW };
  const world = await World.serve({ shop: `${tempDir()}/.relay` }, undefined, { patience: PATIENCE, streams });
  const store = world.stores.get("shop");
  const relay = new Relay("/srv/shop/.relay", { session: "srv", agent: "claude", ...(store && { store }) });
  await relay.agents.register();
  return { world, relay, secret: await world.token("shop", "bob") };
}

function connected(world: World): net.Socket {
  const socket = net.connect(world.port, "127.0.0.1");
  socket.on("error", () => {}); // to be cut off is what is looked for
  onTestFinished(() => {
    socket.destroy();
  });
  return socket;
}

/** What the server says until it hangs up. */
async function untilCut(socket: net.Socket): Promise<string> {
  let said = "";
  socket.on("data", (data) => (said += data));
  await once(socket, "close");
  return said;
}

test("who does not send the headers of a request, or its body, is cut off, and others are answered meanwhile", async () => {
  const { world, secret } = await served();
  const begun = [
    "GET /shop/inbox HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow",
    `POST /shop/messages HTTP/1.1\r\nHost: 127.0.0.1:${world.port}\r\nAuthorization: Bearer ${secret}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"text"',
  ];
  const cut = begun.map((start) => {
    const socket = connected(world);
    socket.write(start);
    return untilCut(socket);
  });
  const others = Array.from({ length: 20 }, () => world.fetch("shop", "/agents", secret, "b1"));
  for (const response of await Promise.all(others)) expect(response.status).toBe(200);
  for (const said of await Promise.all(cut)) expect(said).toMatch(/^HTTP\/1.1 408 |^$/);
  expect((await world.fetch("shop", "/inbox", secret, "b1")).status).toBe(200);
  expect(world.log.filter(({ event }) => event === "bug")).toEqual([]);
});

test("a connection too many closes the one that asked longest ago, and each other one can be asked again", async () => {
  const world = await World.serve({ shop: `${tempDir()}/.relay` }, undefined, { connections: 4 });
  const answered = async (socket: net.Socket) => {
    if (socket.destroyed) return false;
    socket.write("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    const [said] = await Promise.race([once(socket, "data"), once(socket, "close")]);
    return String(said).startsWith("HTTP/1.1 200 ");
  };
  const kept = Array.from({ length: 4 }, () => connected(world));
  for (const socket of [...kept.slice(1), ...kept]) expect(await answered(socket)).toBe(true);
  const oldest = kept.slice(0, 2).map(untilCut);
  const late = [connected(world), connected(world)];
  await Promise.all(oldest);
  for (const socket of [...kept.slice(2), ...late]) expect(await answered(socket)).toBe(true);
});

test("a server that ends waited 10 s for a connection on which nothing was asked", async () => {
  const world = await World.serve({ shop: `${tempDir()}/.relay` });
  const secret = await world.token("shop", "bob");
  const silent = connected(world);
  const begun = connected(world);
  await Promise.all([once(silent, "connect"), once(begun, "connect")]);
  begun.write(`GET /shop/agents HTTP/1.1\r\nHost: 127.0.0.1:${world.port}\r\nAuthorization: Bearer ${secret}\r\n`);
  expect((await world.fetch("shop", "/agents", secret, "b1")).status).toBe(200); // the server has read what came before
  const cut = untilCut(silent);
  const answer = untilCut(begun);
  const ended = world.end();
  expect(await cut, "soon, not when its headers are late").toBe("");
  begun.write("\r\n");
  expect(await answer, "who has begun to ask is answered").toMatch(/^HTTP\/1\.1 /);
  await ended;
});

test("who opens a stream and does not read it is cut off, and others hear everything meanwhile", async () => {
  const { world, relay, secret } = await served();
  const ask = (session: string) =>
    `GET /shop/events HTTP/1.1\r\nHost: 127.0.0.1:${world.port}\r\nAuthorization: Bearer ${secret}\r\nAgent-Relay-Session: ${session}\r\n\r\n`;
  for (const session of ["deaf", "keen"])
    await world.storeWith("shop", secret, session).create(`agents/${session}`, {
      ...{ session_id: session, agent_id: "x", pid: 0, registered_at: 1, last_heartbeat: 1, metadata: {} },
    });
  const [deaf, keen] = [connected(world), connected(world)];
  let heard = "";
  keen.on("data", (data) => (heard += data));
  for (const [socket, session] of [
    [deaf, "deaf"],
    [keen, "keen"],
  ] as const)
    socket.write(ask(session));
  await once(deaf, "readable"); // its answer has begun, and is never read
  const text = "x".repeat(60_000);
  const sent: string[] = [];
  const isOpen = () => world.host?.metrics.text().includes("agent_relay_streams 2");
  await expect.poll(isOpen).toBe(true);
  for (let count = 0; count < 400 && isOpen(); count++) {
    const { id } = await relay.send(text);
    sent.push(id);
    await expect.poll(() => heard.includes(id), { interval: 5 }).toBe(true); // the server and its readers are one process here
  }
  await expect.poll(isOpen).toBe(false);
  sent.push((await relay.send("last")).id);
  await expect.poll(() => sent.filter((id) => !heard.includes(id))).toEqual([]);
});
