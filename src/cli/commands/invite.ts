import { formatDuration, parseDuration } from "../../duration.ts";
import { invite, invites, type ListedInvite, revoke } from "../../identity/membership.ts";
import { findRelay } from "../../open/open.ts";
import { cleanLine } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { type Describe, verb } from "../command.ts";

interface Flags {
  readonly user?: string;
  readonly uses: string;
  readonly expires: string;
  readonly list?: boolean;
  readonly revoke?: string;
}

export const describe: Describe = ({ Command }, act) =>
  new Command("invite")
    .description("Let somebody on another machine log in to this relay's server. Prints a word for them, once.")
    .option("--user <name>", "good for this user name only; without it, for one that nobody has")
    .option("--uses <count>", "how many machines may use it", "1")
    .option("--expires <duration>", "for how long it is good", "24h")
    .option("--list", "show the invitations that can still be used, and make none")
    .option("--revoke <id>", "end one of them")
    .addHelpText("after", "\nExample: agent-relay invite --user aaron")
    .action((flags: Flags) =>
      act(async (cli) => {
        if (flags.list) return listInvites(cli);
        if (flags.revoke !== undefined) return revokeInvite(cli, flags.revoke);
        const { store, identity, project } = await findRelay(cli.openOptions());
        const made = await invite(store, cli.now(), {
          ...{ user: flags.user, uses: Number(flags.uses), expires: parseDuration(flags.expires) },
          by: (await store.owner?.()) ?? identity.session,
        });
        const good = `${flags.uses === "1" ? "once" : `${flags.uses} times`}, for ${formatDuration(parseDuration(flags.expires))}`;
        const who = flags.user === undefined ? "" : ` --user ${flags.user}`;
        await cli.say({ invite: made.word, ...made.invite }, `${made.word}\n`); // alone, so that a script can take it
        const login = `agent-relay login ${project.server ?? "<url>"} --invite ${made.word}${who}`;
        if (!cli.flags.json) cli.io.err(`Good ${good}. On the other machine: ${login}\n`);
      }),
    );

async function listInvites(cli: Cli): Promise<void> {
  const { store } = await findRelay(cli.openOptions());
  const now = cli.now();
  const all = await invites(store, now);
  const line = ({ id, user, uses, added_by, expires_at }: ListedInvite) =>
    `${id.slice(0, 12)}  ${user === undefined ? "for a new name" : `for ${user}`}, by ${cleanLine(added_by)}, ${uses} ${uses === 1 ? "use" : "uses"} left, for ${formatDuration(expires_at - now)}\n`;
  await cli.say(all, all.map(line).join(""));
  if (all.length === 0) cli.io.err("No invitation can be used: agent-relay invite\n");
}

async function revokeInvite(cli: Cli, word: string): Promise<void> {
  const { store } = await findRelay(cli.openOptions());
  const { id } = await revoke(store, cli.now(), word);
  await cli.say({ revoked: id }, `The invitation ${id.slice(0, 12)} lets in nobody any more\n`);
}

export const run = verb(describe);
