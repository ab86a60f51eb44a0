import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll } from "vitest";
import { FileStore } from "../../src/store/file/file-store.ts";
import { forwarding } from "../../src/store/forwarding.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { describeRecords } from "./contract.ts";
import { describeDelivery } from "./contract-delivery.ts";
import { describeLogs } from "./contract-logs.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "relay-contract-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
let count = 0;

for (const describeStore of [describeRecords, describeDelivery, describeLogs]) {
  describeStore("FileStore", (options) => new FileStore(path.join(folder, String(count++)), options));
  describeStore("MemoryStore", (options) => new MemoryStore(options));
  describeStore("a store that forwards", (options) => forwarding(new MemoryStore(options)));
}
