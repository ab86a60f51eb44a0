import os from "node:os";
import { RelayError } from "../../errors.ts";
import { checkMemberName, nameFrom } from "../../identity/member.ts";
import { forgetServer, logIn, readKnownServer, serverUrl } from "../../identity/servers.ts";
import { userName } from "../../open/open.ts";
import { cleanLine } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import type { FlagsOf, FlagTable } from "../flag-table.ts";
import { keysFolder } from "../key-dir.ts";

const MAX_INVITE_BYTES = 1024;

const FLAGS = {
  "--invite <word>":
    "what the other side's agent-relay invite has printed; - reads it from stdin, where no ps shows it",
  "--user <name>": "who you are there; default your name here",
  "--machine <name>": "what this machine is called there; default its host name",
  "--forget": "forget that server instead",
} as const satisfies FlagTable;

type Flags = FlagsOf<typeof FLAGS>;

export const verb = defineVerb({
  name: "login",
  about: "Let this machine use a server's relay: by an invitation the first time, and by its key from then on.",
  words: { "<url>": "the server's address" },
  flags: FLAGS,
  example: "agent-relay login http://192.168.1.7:4800 --invite ar-invite-...",
  run: (cli, flags, { url }) => login(cli, serverUrl(url), flags),
});

async function login(cli: Cli, url: URL, flags: Flags): Promise<void> {
  const { env, now } = cli.io;
  const folder = keysFolder(env);
  if (flags.forget) {
    if (!forgetServer(folder, url))
      throw new RelayError("not_found", `Cannot forget ${url.href}: you have not logged in there`);
    return cli.say({ url: url.href }, `Forgot ${url.href}; there, who runs it may also: agent-relay members remove\n`);
  }
  const before = readKnownServer(folder, url);
  const user = checkMemberName(flags.user ?? before?.user ?? nameFrom(userName(env), "user"), "user");
  const machine = checkMemberName(flags.machine ?? before?.machine ?? nameFrom(os.hostname(), "machine"), "machine");
  const invite = flags.invite === "-" ? (await cli.io.input(MAX_INVITE_BYTES)).trim() : flags.invite;
  const { relay } = await logIn(url, { folder, now, user, machine, invite, relay: before?.relay });
  await cli.say(
    { url: url.href, user, machine, relay },
    `Logged in to ${url.href} as ${user}/${machine} (${cleanLine(relay)})\nTry: agent-relay --server ${url.href} status, or set AGENT_RELAY_SERVER\n`,
  );
}
