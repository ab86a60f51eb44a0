import { RelayError } from "../../errors.ts";
import { KnownKeys } from "../../identity/known-keys.ts";
import { keyFile, machineKey } from "../../identity/machine-key.ts";
import { readKnown, serverUrl } from "../../identity/servers.ts";
import { serverOf } from "../../open.ts";
import type { Cli } from "../cli.ts";
import { keysFolder } from "../keys.ts";
import { type Describe, verb } from "../verb.ts";

export const describe: Describe = ({ Command }, act) =>
  new Command("key")
    .description("Show this machine's public key, by which servers know it. It is made if there is none.")
    .option("--forget <who>", "learn the key of this session, or of this user/machine, anew; with --server")
    .addHelpText("after", "\nExample: agent-relay key")
    .action((flags: { forget?: string }) =>
      act((cli) => (flags.forget === undefined ? show(cli) : forget(cli, flags.forget))),
    );

export const run = verb(describe);

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
  const login = readKnown(folder, serverUrl(server));
  if (!login || !new KnownKeys(folder, login.relay).forget(who))
    throw new RelayError("not_found", `Cannot forget the key of "${who}": none is known there`);
  await cli.say({ forgotten: who }, `The key of ${who} is learnt anew with its next message\n`);
}
