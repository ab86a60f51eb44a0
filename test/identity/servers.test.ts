import fs from "node:fs";
import { expect, test } from "vitest";
import { hash } from "../../src/hash.ts";
import { forgetServer, readKnownServer } from "../../src/identity/servers.ts";
import { tempDir } from "../support/cli.ts";

const URL_OF_OURS = "http://relay.example/";
const login = { url: URL_OF_OURS, relay: "relay-1", user: "ann", machine: "laptop", token: "ar-session-secret" };

test("a login was sent to another server whose address had the same 32-bit hash", () => {
  const folder = tempDir();
  const former = `${folder}/servers/${hash(URL_OF_OURS).toString(36)}.json`; // as versions before remembered it
  fs.mkdirSync(`${folder}/servers`);
  fs.writeFileSync(former, JSON.stringify(login));
  expect(readKnownServer(folder, new URL(URL_OF_OURS))?.token).toBe("ar-session-secret");
  fs.writeFileSync(former, JSON.stringify({ ...login, url: "http://other.example/" }));
  expect(readKnownServer(folder, new URL(URL_OF_OURS))).toBeUndefined();
  expect(forgetServer(folder, new URL(URL_OF_OURS)), "another's is not ours to forget").toBe(false);
  expect(fs.existsSync(former)).toBe(true);
});
