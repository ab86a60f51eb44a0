import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FileStore } from "../../../src/store/file/file-store.ts";
import type { Store } from "../../../src/store/store.ts";
import { describeStore } from "../../../src/testing/contract.ts";
import { NOON, type StoreUnderTest } from "../../../src/testing/runner.ts";
import { World } from "../../support/http-relay.ts";

const MOST = 100; // stores that the suite asks for
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "relay-http-"));
const files = Array.from({ length: MOST }, (_, index) => new FileStore(path.join(folder, `r${index}`)));
let used = 0;
const world = new World(() => NOON);

beforeAll(async () => {
  // A test asks for its store when the server runs already, and says only then what it is to be like.
  for (const index of files.keys())
    world.add(
      `r${index}`,
      new Proxy({} as Store, {
        get(_, name) {
          if (name === "served") return {}; // the suite's records are no messages: nobody is to look for any among them
          const store = files[index] as Store;
          const found: unknown = Reflect.get(store, name);
          return typeof found === "function" ? found.bind(store) : found;
        },
      }),
    );
  await world.start();
});
afterAll(async () => {
  await world.end();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** A store whose records are behind a server, on a socket of this machine. */
function remote(options: StoreUnderTest): Store {
  const index = used++;
  files[index] = new FileStore(path.join(folder, `r${index}`), options);
  return world.store(`r${index}`);
}

describeStore({ describe, test, expect }, "HttpStore", remote);
