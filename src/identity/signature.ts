import type { Value } from "../store/store.ts";
import { canonicalJson, jsonText } from "../text.ts";
import { hasSigned, type MachineKey } from "./machine-key.ts";

/** The signature of a message: by which `<user>/<machine>`, its public key, and the signature itself. */
export interface Signature {
  readonly by: string;
  readonly key: string;
  readonly value: string;
}

// The fields of a message that change after it was sent; every other field is signed.
const CHANGING = ["read_by", "receipts", "withdrawn_at", "signature", "proof"];

/** The text that an SSH key signs: the same text, without the SSH signature. */
export function sshText(relay: string, message: Value): string {
  const { ssh_signature: _, ...rest } = message;
  return signedText(relay, rest);
}

/** The text that is signed: every field that the sender set, and the relay's id: it is good in no other relay. */
function signedText(relay: string, message: Value): string {
  const said = Object.keys(message).filter((name) => !CHANGING.includes(name));
  const fields = said.sort().map((name) => `${jsonText(name)}:${canonicalJson(message[name])}`);
  return ["agent-relay message v1", jsonText(relay), ...fields].join("\n");
}

export function signed(message: Value, relay: string, by: string, key: MachineKey): Value {
  const text = signedText(relay, message);
  return { ...message, signature: { by, key: key.id, value: key.sign(text) } };
}

/** The signature of a message; undefined for none. */
export function signatureOf(message: Value): Signature | undefined {
  const { by, key, value } = Object(message.signature);
  return typeof by === "string" && typeof key === "string" && typeof value === "string"
    ? { by, key, value }
    : undefined;
}

/** Whether the key of the signature has signed just this message. */
export function isSigned(message: Value, relay: string, { key, value }: Signature): boolean {
  return hasSigned(key, signedText(relay, message), value);
}
