import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { type Infer, list, object, oneOf, text } from "../schema.ts";
import { boxOf, isKeyId, type MachineKey } from "./machine-key.ts";

const ALGORITHMS = ["x25519-hkdf-sha256-chacha20-poly1305"] as const;

/** A text that only the named keys can read, as it stands in a record. All in base64url. */
export const Sealed = object({
  algorithm: oneOf(ALGORITHMS),
  /** The key that was made for this one text. */
  sender: text(),
  /** For each recipient: its box key, and the text's own key, sealed for the recipient. */
  recipients: list(object({ key: text(), sealed: text() })),
  /** The sealed text. */
  text: text(),
});
export type Sealed = Infer<typeof Sealed>;

const CIPHER = "chacha20-poly1305";
const NONCE = Buffer.alloc(12); // may be constant: each key is used once
const TAG = { authTagLength: 16 };

/** Seals a text for the owners of these box keys. `unseal` notices a change of `about`, which the text belongs to. */
export function seal(content: string, boxes: readonly string[], about: string): Sealed {
  const own = boxOf(randomBytes(32));
  const secret = randomBytes(32);
  const recipients = [...new Set(boxes)].map((key) => ({
    key,
    sealed: locked(secret, wrappingKey(own.shared(key), own.id, key), about).toString("base64url"),
  }));
  return {
    ...{ algorithm: ALGORITHMS[0], sender: own.id, recipients },
    text: locked(Buffer.from(content), secret, about).toString("base64url"),
  };
}

/** The text, or undefined if it is not for this key, or is not what was sealed. */
export function unseal({ sender, recipients, text }: Sealed, key: MachineKey, about: string): string | undefined {
  const mine = recipients.find((each) => each.key === key.box);
  if (!mine || !isKeyId(sender)) return undefined;
  try {
    const wrapping = wrappingKey(key.shared(sender), sender, key.box);
    const secret = unlocked(Buffer.from(mine.sealed, "base64url"), wrapping, about);
    return unlocked(Buffer.from(text, "base64url"), secret, about).toString("utf8");
  } catch (error) {
    if (error instanceof Error) return undefined; // not for us, or changed on the way: undefined for both
    throw error;
  }
}

function wrappingKey(shared: Buffer, sender: string, recipient: string): Buffer {
  return Buffer.from(hkdfSync("sha256", shared, "", `agent-relay seal v1 ${sender} ${recipient}`, 32));
}

function locked(bytes: Buffer, key: Buffer, about: string): Buffer {
  const cipher = createCipheriv(CIPHER, key, NONCE, TAG).setAAD(Buffer.from(about), { plaintextLength: bytes.length });
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

function unlocked(bytes: Buffer, key: Buffer, about: string): Buffer {
  const [body, tag] = [bytes.subarray(0, -TAG.authTagLength), bytes.subarray(-TAG.authTagLength)];
  const decipher = createDecipheriv(CIPHER, key, NONCE, TAG).setAAD(Buffer.from(about), {
    plaintextLength: body.length,
  });
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(body), decipher.final()]);
}
