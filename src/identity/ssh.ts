import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { errno, RelayError } from "../errors.ts";
import { gitEnv } from "../git/run.ts";
import { jsonText } from "../text.ts";

// SSH keys, by the programs that have them: git says which key, ssh-keygen signs and verifies, gh knows others' keys.

const NAMESPACE = "agent-relay"; // what is signed for this is good for nothing else
const NOT_THERE = "it is not installed";
const TIME = 30_000; // ms that a program may take; a key's own agent may ask for a touch

/** Our identity as git has it, and the key that git signs with. */
export interface SshIdentity {
  readonly email: string;
  /** A key's file, or the public key itself (`key::ssh-ed25519 ...`), which an agent has. */
  readonly key: string;
}

/** Runs a program with `input` on its stdin. Returns its output, or why it failed. */
function run(program: string, args: readonly string[], input = "", cwd?: string) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    ...{ input, cwd, env: gitEnv(), encoding: "utf8", timeout: TIME },
  });
  const why = errno(error) === "ENOENT" ? NOT_THERE : (error?.message ?? stderr.trim().split("\n").at(-1) ?? "");
  return { ok: status === 0, out: stdout ?? "", why };
}

/** The identity that git has configured in a folder. Throws `not_found` where there is no e-mail address or no key. */
export function sshIdentity(cwd: string, home: string): SshIdentity {
  const config = (name: string) => run("git", ["config", "--get", name], "", cwd).out.trim();
  const email = config("user.email");
  if (email === "")
    throw new RelayError("not_found", "Cannot sign: git does not know who you are", {
      next: "git config user.email you@example.com",
    });
  const named =
    config("gpg.format") === "ssh" || /^(?:key::|ssh-|~?\/)/.test(config("user.signingkey"))
      ? config("user.signingkey")
      : "";
  const key = named !== "" ? named.replace(/^~(?=\/)/, home) : firstKey(home);
  if (key !== undefined) return { email, key };
  throw new RelayError("not_found", "Cannot sign: there is no SSH key", {
    next: "git config user.signingkey ~/.ssh/id_ed25519.pub, or ssh-keygen -t ed25519",
  });
}

const KEYS = ["id_ed25519", "id_ed25519_sk", "id_ecdsa", "id_ecdsa_sk", "id_rsa"];

function firstKey(home: string): string | undefined {
  return KEYS.map((name) => path.join(home, ".ssh", name)).find((file) => fs.existsSync(file));
}

/** An armoured signature over a text. Throws `failed` with what ssh-keygen says. */
export function sshSign(text: string, { key }: SshIdentity): string {
  return withFiles({ text, key: key.replace(/^key::/, "") }, (files) => {
    const isLiteral = /^(?:key::)?(?:ssh-|ecdsa-|sk-)/.test(key);
    const args = [
      "-Y",
      "sign",
      "-n",
      NAMESPACE,
      "-f",
      isLiteral ? files.key : key,
      ...(isLiteral ? ["-U"] : []),
      files.text,
    ];
    const { ok, why } = run("ssh-keygen", args);
    if (ok) return fs.readFileSync(`${files.text}.sig`, "utf8");
    throw new RelayError("failed", `Cannot sign with "${key}": ${why}`, {
      next: "look whether ssh-keygen can use that key",
    });
  });
}

/** The allowed signer whose key signed a text; `unknown` for a key that is not allowed, `wrong` for another text. */
export function sshSigner(
  text: string,
  signature: string,
  allowedSigners: string,
): { readonly signer: string } | "unknown" | "wrong" {
  return withFiles({ signature }, (files) => {
    const args = ["-f", allowedSigners, "-s", files.signature];
    const found = run("ssh-keygen", ["-Y", "find-principals", ...args]);
    if (!found.ok && found.why === NOT_THERE)
      throw new RelayError("not_found", "Cannot verify: ssh-keygen is not installed", {
        next: "install OpenSSH 8.2 or later",
      });
    const [signer] = found.ok ? found.out.trim().split(/[\n,]/) : [];
    if (!signer) return "unknown";
    return run("ssh-keygen", ["-Y", "verify", "-n", NAMESPACE, "-I", signer, ...args], text).ok ? { signer } : "wrong";
  });
}

/** Lines of a file of allowed signers: each key for one signer, and for agent-relay alone. */
export function allowedLines(signer: string, keys: string): string[] {
  return keys
    .split("\n")
    .map((line) => /^((?:ssh|ecdsa|sk)-\S+) ([A-Za-z0-9+/=]+)/.exec(line.trim()))
    .flatMap((found) => (found ? [`${signer} namespaces="${NAMESPACE}" ${found[1]} ${found[2]}`] : []));
}

/** Those who may push to this folder's repository on GitHub, and their keys, by `gh`; not who may only read. Throws `failed`, `not_found`. */
export function collaborators(cwd: string): { readonly login: string; readonly keys: string }[] {
  const remote = run("git", ["config", "--get", "remote.origin.url"], "", cwd).out.trim();
  const [, repository] =
    /^(?:git@github\.com:|ssh:\/\/git@github\.com\/|https:\/\/github\.com\/)([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(
      remote,
    ) ?? [];
  if (repository === undefined)
    throw new RelayError("not_found", `Cannot tell the collaborators: ${jsonText(remote)} is no repository on GitHub`, {
      next: "give a file of keys: agent-relay key --allow <signer> <file>",
    });
  const gh = (...args: string[]) => {
    const { ok, out, why } = run("gh", ["api", ...args], "", cwd);
    if (ok) return out;
    throw new RelayError("failed", `Cannot ask gh: ${why}`, { next: "install it, then: gh auth login" });
  };
  const logins = gh(
    "--paginate",
    `repos/${repository}/collaborators`,
    "--jq",
    ".[] | select(.permissions.push) | .login",
  );
  return logins
    .split("\n")
    .filter((login) => /^[\w-]{1,40}$/.test(login))
    .map((login) => ({ login, keys: gh("--paginate", `users/${login}/ssh_signing_keys`, "--jq", ".[].key") }));
}

/** Files for a program to read, in a folder of their own that nobody else may enter. */
function withFiles<Name extends string, T>(
  texts: Readonly<Record<Name, string>>,
  use: (files: Readonly<Record<Name, string>>) => T,
): T {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "agent-relay-"));
  try {
    const files = {} as Record<Name, string>;
    for (const name in texts) {
      files[name] = path.join(folder, name);
      fs.writeFileSync(files[name], texts[name], { mode: 0o600, flag: "wx" });
    }
    return use(files);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
