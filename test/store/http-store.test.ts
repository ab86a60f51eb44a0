import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { serve } from "@hono/node-server";
import { afterAll, beforeAll } from "vitest";
import { storeRoutes } from "../../src/server/store-routes.ts";
import { FileStore } from "../../src/store/file/file-store.ts";
import { HttpStore } from "../../src/store/http/http-store.ts";
import type { Store } from "../../src/store/store.ts";
import { describeRecords, type StoreUnderTest } from "./contract.ts";
import { describeDelivery } from "./contract-delivery.ts";
import { describeLogs } from "./contract-logs.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "relay-http-"));
const stores = new Map<string, Store>();
const server = serve({ fetch: storeRoutes((name) => stores.get(name)).fetch, port: 0, hostname: "127.0.0.1" });
let base = "";

beforeAll(async () => {
  if (!server.listening) await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  base = `http://127.0.0.1:${address.port}/v1`;
});
afterAll(() => {
  server.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** A store whose records are behind a server, on a socket of this machine. */
function remote(options: StoreUnderTest): Store {
  const name = `r${stores.size}`;
  stores.set(name, new FileStore(path.join(folder, name), options));
  return new HttpStore(`${base}/${name}`);
}

for (const describeStore of [describeRecords, describeDelivery, describeLogs]) describeStore("HttpStore", remote);
