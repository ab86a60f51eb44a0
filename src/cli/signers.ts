import fs from "node:fs";
import { errno, RelayError, systemError } from "../errors.ts";
import { sshText } from "../identity/signature.ts";
import { sshIdentity, sshSign } from "../identity/ssh.ts";
import { allowedSignersFile } from "../identity/ssh-proof.ts";
import { readStateText, writeStateText } from "../machine/state-file.ts";
import type { Message } from "../messages/message.ts";
import type { SendOptions } from "../messages/send.ts";
import { ensureRelay } from "../project/trust.ts";
import type { Store } from "../store/store.ts";
import type { Io } from "./io.ts";
import { keysFolder } from "./key-dir.ts";

/** The file of known SSH keys. Throws `usage` if there is no home folder. */
export function allowedSigners({ env, cwd }: Pick<Io, "env" | "cwd">): string {
  return allowedSignersFile(env, cwd) ?? keysFolder(env);
}

/** The option that signs a message with the user's SSH key. Throws `not_found` if there is none. */
export async function signing({ env, cwd, now }: Io, store: Store): Promise<Pick<SendOptions, "sign">> {
  const identity = sshIdentity(cwd, env.HOME ?? env.USERPROFILE ?? "/");
  const relay = await ensureRelay(store, now);
  const sign = (message: Message): Message => {
    const value = sshSign(sshText(relay, message), identity);
    return { ...message, ssh_signature: { signer: identity.email, value } };
  };
  return { sign };
}

/** Adds lines to the file of allowed signers that are not there yet. Returns how many. */
export function allow(io: Io, lines: readonly string[]): number {
  const file = allowedSigners(io);
  const before = linesOf(file);
  const fresh = lines.filter((line) => !before.includes(line));
  writeStateText(file, `${[...before, ...fresh].join("\n")}\n`);
  return fresh.length;
}

function linesOf(file: string): string[] {
  return (readStateText(file) ?? "").split("\n").filter((line) => line !== "");
}

/** The text of a file of public keys. Throws `not_found`. */
export function keysIn(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch (error) {
    if (errno(error) === "ENOENT")
      throw new RelayError("not_found", `Cannot read the keys in "${file}": there is no such file`, {
        next: "give a file such as ~/.ssh/id_ed25519.pub",
      });
    throw systemError(`read "${file}"`, error);
  }
}
