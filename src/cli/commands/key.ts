import path from "node:path";
import { RelayError } from "../../errors.ts";
import { KnownKeys } from "../../identity/known-keys.ts";
import { keyFile, machineKey } from "../../identity/machine-key.ts";
import { readKnownServer, serverUrl } from "../../identity/servers.ts";
import { allowedLines, collaborators } from "../../identity/ssh.ts";
import { serverOf } from "../../open/open.ts";
import { jsonText } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import type { FlagsOf, FlagTable } from "../flag-table.ts";
import { keysFolder } from "../key-dir.ts";
import { allow, allowedSigners, keysIn } from "../signers.ts";

const FLAGS = {
  "--allow <signer>": "believe SSH signatures of this person (the e-mail address that git has) by the keys in --file",
  "--file <path>": "... public keys, a line each",
  "--collaborators": "believe those of everyone who may push to this repository on GitHub, as gh lists them",
  "--forget <who>": "learn the key of this session, or of this user/machine, anew; with --server",
} as const satisfies FlagTable;

type Flags = FlagsOf<typeof FLAGS>;

export const verb = defineVerb({
  name: "key",
  about: "Show this machine's public key, by which servers know it. It is made if there is none.",
  flags: FLAGS,
  example: "agent-relay key",
  run: chosen,
});

async function chosen(cli: Cli, { forget: who, allow: signer, file, collaborators: all }: Flags): Promise<void> {
  if (
    [who, signer, all].filter((each) => each !== undefined).length > 1 ||
    (signer === undefined) !== (file === undefined)
  )
    throw new RelayError("usage", "Cannot tell what is meant: give --allow with --file, --collaborators, or --forget", {
      next: "agent-relay key --help",
    });
  if (who !== undefined) return forget(cli, who);
  if (signer !== undefined && file !== undefined)
    return allowed(cli, allowedLines(checkSigner(signer), keysIn(path.resolve(cli.io.cwd, file))), signer);
  if (!all) return show(cli);
  const people = collaborators(cli.io.cwd);
  return allowed(
    cli,
    people.flatMap(({ login, keys }) => allowedLines(login, keys)),
    `${people.length} collaborators`,
  );
}

/** Throws `usage` for a signer that cannot begin a line of the file: a space would end it, a comma begin another. */
function checkSigner(signer: string): string {
  if (/^[\w.+@-]{1,200}$/.test(signer)) return signer;
  throw new RelayError("usage", `Cannot use ${jsonText(signer)} as a signer: give an e-mail address or a login`);
}

async function allowed(cli: Cli, lines: readonly string[], whose: string): Promise<void> {
  if (lines.length === 0)
    throw new RelayError("not_found", `Cannot find any public key of ${whose} there`, {
      next: "ssh-keygen -l -f <file>",
    });
  const added = allow(cli.io, lines);
  const file = allowedSigners(cli.io);
  await cli.say({ file, added }, `${added} of ${lines.length} keys of ${whose} are new in ${file}\n`);
}

async function show(cli: Cli): Promise<void> {
  const folder = keysFolder(cli.io.env);
  const { id } = machineKey(folder);
  await cli.say({ key: id, file: keyFile(folder) }, `${id}\n`);
}

async function forget(cli: Cli, who: string): Promise<void> {
  const server = serverOf(cli.openOptions());
  if (server === undefined)
    throw new RelayError("usage", `Cannot forget the key of "${who}" without a server: they are known by relay`, {
      next: `agent-relay --server <url> key --forget ${who}`,
    });
  const folder = keysFolder(cli.io.env);
  const login = readKnownServer(folder, serverUrl(server));
  if (!login || !new KnownKeys(folder, login.relay).forget(who))
    throw new RelayError("not_found", `Cannot forget the key of "${who}": none is known there`);
  await cli.say({ forgotten: who }, `The key of ${who} is learnt anew with its next message\n`);
}
