import type { Value } from "../store/store.ts";

/**
 * What is known of a message's origin. `signed`: by a key that is known as its sender's. `unsigned`: by no key.
 * `missing`: by no key, though others of its sender were signed. `wrong`: the signature is not its sender's.
 */
export interface Proof {
  readonly state: "signed" | "unsigned" | "missing" | "wrong";
  /** The `<user>/<machine>` that has signed the message. */
  readonly by?: string;
  /** Only the ends of the message could read it. */
  readonly isSealed: boolean;
}

// No file and no server can set a message's proof: JSON has no symbols.
const PROOF = Symbol("proof");

export function withProof(message: Value, proof: Proof): Value {
  return { ...message, [PROOF]: proof };
}

/** The proof of a message; undefined where nothing was checked. */
export function proofOf(message: object): Proof | undefined {
  return (message as { [PROOF]?: Proof })[PROOF];
}
