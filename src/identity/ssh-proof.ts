import path from "node:path";
import { RelayError } from "../errors.ts";
import { stateFolder } from "../machine/state-dir.ts";
import { readStateText } from "../machine/state-file.ts";
import { forwarding } from "../store/forwarding.ts";
import { folderOf, type Store } from "../store/store.ts";
import { jsonText } from "../text.ts";
import type { SshProof } from "./proof.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The file of known SSH keys, in OpenSSH's form: AGENT_RELAY_ALLOWED_SIGNERS, or the user's own; undefined without a home. */
export function allowedSignersFile(env: Env, cwd: string): string | undefined {
  const told = env.AGENT_RELAY_ALLOWED_SIGNERS;
  if (told) return path.resolve(cwd, told);
  const folder = stateFolder(env);
  return folder && path.join(folder, "allowed_signers");
}

/** The same store, but it checks the SSH signature of each message that it reads: `proof.ssh` is what it found out. */
export function sshProving(store: Store, signers: string | undefined): Store {
  const known = new Map<string, SshProof>(); // what a signature proves of a text, by both
  let relay: string | undefined;
  const get: Store["get"] = async (key) => {
    const raw = await store.get(key);
    if (raw === undefined || folderOf(key) !== "messages") return raw;
    const signature = raw.ssh_signature;
    const { ssh: _, ...proof } = Object(raw.proof);
    if (signature === undefined) return raw.proof === undefined ? raw : { ...raw, proof };
    relay ??= String((await store.get("relay"))?.id);
    const { proof: __, ...said } = raw;
    const { sshText } = await import("./signature.ts"); // with it comes what verifies: few messages are signed
    const text = sshText(relay, said);
    const both = jsonText([text, signature]);
    const ssh = known.get(both) ?? (await checked(text, signature, signers));
    known.set(both, ssh);
    return { ...raw, proof: { state: "unsigned", is_sealed: false, ...proof, ssh } };
  };
  return { ...forwarding(store), get };
}

async function checked(text: string, signature: unknown, signers: string | undefined): Promise<SshProof> {
  const { value, signer: said } = Object(signature);
  const claimed = typeof said === "string" ? { says: said } : {};
  if (typeof value !== "string") return { state: "wrong", ...claimed };
  if (signers === undefined || (readStateText(signers) ?? "").trim() === "")
    return { state: "unknown_key", ...claimed };
  const { sshSigner } = await import("./ssh.ts");
  try {
    const found = sshSigner(text, value, signers);
    if (found === "wrong") return { state: "wrong", ...claimed };
    return found === "unknown"
      ? { state: "unknown_key", ...claimed }
      : { state: "signed", by: found.signer, ...claimed };
  } catch (error) {
    if (error instanceof RelayError && error.code === "not_found") return { state: "unchecked", ...claimed };
    throw error;
  }
}
