import type { Value } from "../store/store.ts";

/**
 * What is known of where a message comes from. `signed`: by a key that is known as its sender's. `unsigned`: by none.
 * `missing`: by none, though others of its sender were. `wrong`: not by its sender.
 */
export interface Proof {
  readonly state: "signed" | "unsigned" | "missing" | "wrong";
  /** `<user>/<machine>` that has signed it. */
  readonly by?: string;
  /** Only its ends could read it. */
  readonly isSealed: boolean;
}

// No file and no server can say this of a message: JSON has no symbols.
const PROOF = Symbol("proof");

export function withProof(message: Value, proof: Proof): Value {
  return { ...message, [PROOF]: proof };
}

/** What was found out about a message; undefined where nothing was asked. */
export function proofOf(message: object): Proof | undefined {
  return (message as { [PROOF]?: Proof })[PROOF];
}
