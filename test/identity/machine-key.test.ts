import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { boxOf, hasSigned, isKeyId, keyFile, machineKey, readMachineKey } from "../../src/identity/machine-key.ts";
import { Sealed, seal, unseal } from "../../src/identity/seal.ts";
import { isSigned, signatureOf, signed } from "../../src/identity/signature.ts";
import { tempDir } from "../support/cli.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "relay-key-"));
const key = machineKey(folder);
afterAll(() => fs.rmSync(folder, { recursive: true }));

describe("a machine's key", () => {
  test("is made once, for its user alone, and is the same from then on", () => {
    const folder = tempDir();
    expect(readMachineKey(folder)).toBeUndefined();
    const made = machineKey(folder);
    expect(isKeyId(made.id)).toBe(true);
    expect(fs.statSync(keyFile(folder)).mode & 0o777).toBe(0o600);
    expect([machineKey(folder).id, machineKey(folder).box]).toEqual([made.id, made.box]);
    expect(fs.readdirSync(folder)).toEqual(["key"]);
  });

  test("is refused when others may read it, and when it is a link or no key", () => {
    const folder = tempDir();
    machineKey(folder);
    fs.chmodSync(keyFile(folder), 0o640);
    expect(() => machineKey(folder)).toThrow(/others may read it/);
    fs.writeFileSync(keyFile(folder), "nonsense");
    fs.chmodSync(keyFile(folder), 0o600);
    expect(() => machineKey(folder)).toThrow(/not 32 bytes/);
    fs.renameSync(keyFile(folder), `${folder}/other`);
    fs.symlinkSync(`${folder}/other`, keyFile(folder));
    expect(() => machineKey(folder)).toThrow(/symbolic link/);
  });

  test("signs what only it can have signed", () => {
    const other = machineKey(tempDir());
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (text, another) => {
        const signature = key.sign(text);
        expect(hasSigned(key.id, text, signature)).toBe(true);
        expect(hasSigned(other.id, text, signature)).toBe(false);
        if (text !== another) expect(hasSigned(key.id, another, signature)).toBe(false);
      }),
      { numRuns: 50 },
    );
    for (const bad of ["", "x", "A".repeat(43), `${key.id}=`]) expect(hasSigned(bad, "t", key.sign("t"))).toBe(false);
  });
});

describe("a sealed text", () => {
  test("is read by those it is for and by nobody else, for what it belongs to and for nothing else", () => {
    const [other, stranger] = [machineKey(tempDir()), machineKey(tempDir())];
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), (text, about) => {
        const sealed = Sealed.parse(JSON.parse(JSON.stringify(seal(text, [key.box, other.box], about))), "");
        for (const reader of [key, other]) expect(unseal(sealed, reader, about)).toBe(text);
        expect(unseal(sealed, stranger, about)).toBeUndefined();
        expect(unseal(sealed, key, `${about}x`)).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  test("that was changed in any part cannot be read", () => {
    const sealed = seal("secret", [key.box], "about");
    const flipped = (text: string) => {
      const bytes = Buffer.from(text, "base64url");
      bytes[3] = (bytes[3] ?? 0) ^ 1;
      return bytes.toString("base64url");
    };
    expect(unseal({ ...sealed, text: flipped(sealed.text) }, key, "about")).toBeUndefined();
    expect(unseal({ ...sealed, sender: boxOf(Buffer.alloc(32, 7)).id }, key, "about")).toBeUndefined();
    const recipients = sealed.recipients.map((one) => ({ ...one, sealed: flipped(one.sealed) }));
    expect(unseal({ ...sealed, recipients }, key, "about")).toBeUndefined();
    expect(unseal({ ...sealed, text: "" }, key, "about")).toBeUndefined();
  });
});

test("a signature is of every field that its sender wrote, in this relay alone", () => {
  const message = { id: "msg-1", from_session: "a", to_session: "b", content: "x", read_by: ["a"], claims: ["c", "d"] };
  const sent = signed(message, "relay-1", "ann/laptop", key);
  const signature = signatureOf(sent);
  if (!signature) throw new Error("not signed");
  expect(isSigned(sent, "relay-1", signature)).toBe(true);
  expect(isSigned({ ...sent, read_by: ["a", "b"], receipts: { b: {} }, withdrawn_at: "" }, "relay-1", signature)).toBe(
    true,
  );
  expect(isSigned(sent, "relay-2", signature)).toBe(false);
  for (const change of [
    { to_session: "c" },
    { content: "y" },
    { id: "msg-2" },
    { kind: "question" },
    { claims: ["d", "c"] },
  ])
    expect(isSigned({ ...sent, ...change }, "relay-1", signature)).toBe(false);
  const { content: _, ...less } = sent;
  expect(isSigned(less, "relay-1", signature)).toBe(false);
});
