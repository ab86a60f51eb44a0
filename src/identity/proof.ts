import { extra, flag, object, oneOf, type Schema, text } from "../schema.ts";
import type { Value } from "../store/store.ts";

/**
 * What its SSH signature proves. `signed`: by an allowed key, of `by`. `wrong`: it is of another text. `unknown_key`: by a
 * key that is not allowed. `unchecked`: there is no ssh-keygen here.
 */
export type SshProof = {
  readonly state: "signed" | "wrong" | "unknown_key" | "unchecked";
  /** Whose allowed key it is by. */
  readonly by?: string;
  /** Whose it says that it is. */
  readonly says?: string;
};

/** @internal */
export const SshProof: Schema<SshProof> = object({
  state: oneOf(["signed", "wrong", "unknown_key", "unchecked"]),
  by: extra(text()),
  says: extra(text()),
});

/**
 * What is known of a message's origin, as whoever read it on this machine has found out: never what a sender or a server
 * says of it. `signed`: by a key that is known as its sender's. `unsigned`: by no key. `missing`: by no key, though its
 * sender has one. `wrong`: the signature is of another text or another's. `unknown_key`: by a key that nobody knows.
 */
export type Proof = {
  readonly state: "signed" | "unsigned" | "missing" | "wrong" | "unknown_key";
  /** The `<user>/<machine>` that has signed the message, or says so. */
  readonly by?: string;
  /** Only the ends of the message could read it. */
  readonly is_sealed: boolean;
  /** What its SSH signature proves, if it has one. */
  readonly ssh?: SshProof;
};

/** @internal */
export const Proof: Schema<Proof> = object({
  state: oneOf(["signed", "unsigned", "missing", "wrong", "unknown_key"]),
  by: extra(text()),
  is_sealed: flag(),
  ssh: extra(SshProof),
});

export function withProof(message: Value, proof: Proof): Value {
  return { ...message, proof };
}

/** A message as it came, without what it says of its own origin. */
export function withoutProof(message: Value): Value {
  const { proof: _, ...rest } = message;
  return rest;
}
