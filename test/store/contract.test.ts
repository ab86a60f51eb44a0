import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FileStore } from "../../src/store/file/file-store.ts";
import { forwarding } from "../../src/store/forwarding.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { describeStore } from "../../src/testing/contract.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "relay-contract-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
let count = 0;

const runner = { describe, test, expect };
describeStore(runner, "FileStore", (options) => new FileStore(path.join(folder, String(count++)), options));
describeStore(runner, "MemoryStore", (options) => new MemoryStore(options));
describeStore(runner, "a store that forwards", (options) => forwarding(new MemoryStore(options)));
