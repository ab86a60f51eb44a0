import { jsonText } from "../text.ts";
// The statement that a machine signs to log in. The signed text has every field in it, so a signature is good for this
// one purpose, at this one server, at this one time: nobody who gets it can log in anywhere else with it.

export interface LoginStatement {
  /** The relay's own id, as the client knows it. */
  readonly relay: string;
  /** The address that the client has called: scheme, host and port. */
  readonly origin: string;
  readonly user: string;
  readonly machine: string;
  /** The public key that signs. */
  readonly key: string;
  /** The server's random word for this one login. */
  readonly challenge: string;
  /** The client's random word for this one login. */
  readonly nonce: string;
  /** Unix seconds, by the server's clock. */
  readonly at: number;
}

/** The text that is signed: a line for each field, each in JSON, so that no value can be taken for two. */
export function loginText(of: LoginStatement): string {
  const fields = [of.relay, of.origin, of.user, of.machine, of.key, of.challenge, of.nonce, of.at];
  return ["agent-relay login v1", ...fields.map((field) => jsonText(field))].join("\n");
}
