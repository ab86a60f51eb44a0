import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { errno, RelayError, systemError } from "../errors.ts";
import { makeFolders } from "../folders.ts";
import { newNonce } from "../id.ts";

/** The key of this user on this machine: Ed25519. */
export interface MachineKey {
  /** The public half: 32 bytes in base64url, 43 characters. */
  readonly id: string;
  /** Signs a text. 64 bytes in base64url. */
  sign(text: string): string;
  /** The public half of another key, X25519, that others seal messages for. 32 bytes in base64url. */
  readonly box: string;
  /** The Diffie-Hellman secret of this key and another's `box`, which nobody else knows. 32 bytes. */
  shared(box: string): Buffer;
}

const SEED = Buffer.from("302e020100300506032b657004220420", "hex"); // the DER before the 32 bytes of a private key
const POINT = Buffer.from("302a300506032b6570032100", "hex"); // the DER before the 32 bytes of a public key
const BOX_SEED = Buffer.from("302e020100300506032b656e04220420", "hex"); // the same for X25519
const BOX_POINT = Buffer.from("302a300506032b656e032100", "hex");
const ID = /^[A-Za-z0-9_-]{43}$/;

/** The key in `folder`, or undefined. Throws `refused` for a key that others may read, `corrupt` for what is no key. */
export function readMachineKey(folder: string): MachineKey | undefined {
  const file = keyFile(folder);
  const fd = opened(file);
  if (fd === undefined) return undefined;
  try {
    const stat = fs.fstatSync(fd);
    const { mode, uid } = stat;
    if (!stat.isFile())
      throw new RelayError("refused", `Cannot use the key "${file}": it is no file`, {
        next: "move it away, and log in anew",
      });
    const isOurs = process.getuid === undefined || uid === process.getuid();
    if (!isOurs || (process.platform !== "win32" && (mode & 0o077) !== 0))
      throw new RelayError("refused", `Cannot use the key "${file}": others may read it, so it may be theirs too`, {
        next: `chmod 600 '${file}', and if others use this machine remove it and log in anew`,
      });
    return keyOf(fs.readFileSync(fd, "utf8").trim(), file);
  } finally {
    fs.closeSync(fd);
  }
}

/** The key in `folder`, made if there is none. All processes that make one at the same time get the same key. */
export function machineKey(folder: string): MachineKey {
  const known = readMachineKey(folder);
  if (known) return known;
  const seed = generateKeyPairSync("ed25519").privateKey.export({ format: "der", type: "pkcs8" }).subarray(SEED.length);
  const draft = `${keyFile(folder)}.${newNonce()}`;
  try {
    makeFolders(folder, 0o700);
    const fd = fs.openSync(draft, "wx", 0o600);
    fs.writeSync(fd, `${seed.toString("base64url")}\n`);
    fs.fsyncSync(fd); // a key that is known elsewhere must outlive a power cut here
    fs.closeSync(fd);
    fs.linkSync(draft, keyFile(folder));
  } catch (error) {
    if (errno(error) !== "EEXIST") throw systemError(`make a key in "${folder}"`, error);
  } finally {
    fs.rmSync(draft, { force: true });
  }
  const made = readMachineKey(folder);
  if (made) return made;
  throw new RelayError("failed", `Cannot read the key in "${folder}": it was removed as soon as it was made`);
}

export function keyFile(folder: string): string {
  return path.join(folder, "key");
}

/** The text that a machine key signs to say that this box key is its own. */
export function boxText(box: string): string {
  return `agent-relay box v1\n${box}`;
}

// Points of small order (RFC 7748, section 6.1; RFC 8032): for such a key anybody can make signatures that hold.
const SMALL_ORDER = new Set(
  ["00", "80"].flatMap((sign) => [
    ...["00", "01"].map((first) => `${first}${"00".repeat(30)}${sign}`),
    ...["ec", "ed", "ee"].map((first) => `${first}${"ff".repeat(30)}${sign === "00" ? "7f" : "ff"}`),
    `26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc${sign === "00" ? "05" : "85"}`,
    `c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03${sign === "00" ? "7a" : "fa"}`,
  ]),
);

/** Whether `id` can be a public key. */
export function isKeyId(id: string): boolean {
  const bytes = Buffer.from(id, "base64url");
  return ID.test(id) && bytes.toString("base64url") === id && !SMALL_ORDER.has(bytes.toString("hex"));
}

/** Whether the key `id` has signed `text`. */
export function hasSigned(id: string, text: string, signature: string): boolean {
  if (!isKeyId(id)) return false;
  const bytes = Buffer.from(signature, "base64url");
  return bytes.length === 64 && verify(null, Buffer.from(text), publicKey(id), bytes);
}

function publicKey(id: string): KeyObject {
  return createPublicKey({ key: Buffer.concat([POINT, Buffer.from(id, "base64url")]), format: "der", type: "spki" });
}

function keyOf(text: string, file: string): MachineKey {
  const seed = Buffer.from(text, "base64url");
  if (!ID.test(text) || seed.length !== 32)
    throw new RelayError("corrupt", `Cannot read the key "${file}": it is not 32 bytes in base64url`, {
      next: "restore it, or move it away and log in anew",
    });
  const secret = createPrivateKey({ key: Buffer.concat([SEED, seed]), format: "der", type: "pkcs8" });
  const id = createPublicKey(secret)
    .export({ format: "der", type: "spki" })
    .subarray(POINT.length)
    .toString("base64url");
  // The box key is derived from the machine key, so that there is one secret to keep.
  const box = boxOf(Buffer.from(hkdfSync("sha256", seed, "", "agent-relay x25519 v1", 32)));
  return {
    ...{ id, box: box.id, shared: box.shared },
    sign: (signed) => sign(null, Buffer.from(signed), secret).toString("base64url"),
  };
}

/** The box key of 32 random bytes. */
export function boxOf(seed: Buffer): { readonly id: string; readonly shared: (box: string) => Buffer } {
  const privateKey = createPrivateKey({ key: Buffer.concat([BOX_SEED, seed]), format: "der", type: "pkcs8" });
  const id = createPublicKey(privateKey)
    .export({ format: "der", type: "spki" })
    .subarray(BOX_POINT.length)
    .toString("base64url");
  return { id, shared: (box) => diffieHellman({ privateKey, publicKey: boxKey(box) }) };
}

function boxKey(id: string): KeyObject {
  return createPublicKey({
    key: Buffer.concat([BOX_POINT, Buffer.from(id, "base64url")]),
    format: "der",
    type: "spki",
  });
}

function opened(file: string): number | undefined {
  try {
    return fs.openSync(file, fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0) | (fs.constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (errno(error) === "ENOENT") return undefined;
    throw systemError(`read the key "${file}"`, error);
  }
}
