import http, { type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { HttpCaller } from "../../../src/store/http/caller.ts";

/** A server that answers each request as it is told, one after the other. */
async function answering(...answers: readonly RequestListener[]) {
  const left = [...answers];
  let count = 0;
  const server = http.createServer((request, response) => {
    count++;
    (left.length > 1 ? left.shift() : left[0])?.(request, response);
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  onTestFinished(() => void server.close().closeAllConnections());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const caller = new HttpCaller(origin, { now: Date.now, patience: { once: 200, inAll: 2000, reopen: 50 } });
  return { caller, origin, count: () => count };
}

const good: RequestListener = (_, response) => response.end('{"a":"ä"}');

test("an answer that broke off within its body was taken for none, or for all", async () => {
  const half: RequestListener = (_, response) => {
    response.writeHead(200, { "Content-Length": 100 });
    response.write('{"a":', () => response.destroy());
  };
  const { caller, count } = await answering(half, good);
  expect(await caller.call("x")).toMatchObject({ status: 200, body: { a: "ä" }, isRepeated: true });
  expect(count()).toBe(2);
});

test("a server that stops within a body is given up, as one that does not answer", async () => {
  const stuck: RequestListener = (_, response) => void response.writeHead(200).write("{");
  const { caller } = await answering(stuck);
  await expect(caller.call("x")).rejects.toMatchObject({
    code: "timed_out",
    message: expect.stringContaining("it does not answer"),
  });
});

test("a redirection is not followed: the secret goes to no other address", async () => {
  const other = await answering(good);
  const { caller, count } = await answering((_, response) =>
    response.writeHead(302, { Location: `${other.origin}/x` }).end(),
  );
  await expect(caller.call("x")).rejects.toMatchObject({ code: "failed" });
  expect(count()).toBeGreaterThan(0);
  expect(other.count()).toBe(0);
});

test("a connection that the server closed between two requests is one more try, and no failure", async () => {
  const closing: RequestListener = (request, response) => {
    response.end("{}");
    response.once("close", () => request.socket.destroy());
  };
  const { caller } = await answering(closing);
  for (let turn = 0; turn < 5; turn++) expect((await caller.call("x", { method: "POST", body: {} })).status).toBe(200);
});
