import { extra, flag, type Infer, object, oneOf, text } from "../schema.ts";
import type { Value } from "../store/store.ts";

/**
 * What its SSH signature proves. `signed`: by an allowed key, of `by`. `wrong`: it is of another text. `unknown_key`: by a
 * key that is not allowed. `unchecked`: there is no ssh-keygen here.
 */
export const SshProof = object({
  state: oneOf(["signed", "wrong", "unknown_key", "unchecked"]),
  by: extra(text()),
  /** Whose it says that it is. */
  says: extra(text()),
});
export type SshProof = Infer<typeof SshProof>;

/**
 * What is known of a message's origin, as whoever read it on this machine has found out: never what a sender or a server
 * says of it. `signed`: by a key that is known as its sender's. `unsigned`: by no key. `missing`: by no key, though its
 * sender has one. `wrong`: the signature is of another text or another's. `unknown_key`: by a key that nobody knows.
 */
export const Proof = object({
  state: oneOf(["signed", "unsigned", "missing", "wrong", "unknown_key"]),
  /** The `<user>/<machine>` that has signed the message, or says so. */
  by: extra(text()),
  /** Only the ends of the message could read it. */
  is_sealed: flag(),
  /** What its SSH signature proves, if it has one. */
  ssh: extra(SshProof),
});
export type Proof = Infer<typeof Proof>;

export function withProof(message: Value, proof: Proof): Value {
  return { ...message, proof };
}

/** A message as it came, without what it says of its own origin. */
export function withoutProof(message: Value): Value {
  const { proof: _, ...rest } = message;
  return rest;
}
