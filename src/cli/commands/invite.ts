import { formatDuration, parseDuration } from "../../duration.ts";
import { invite, invites, type ListedInvite, revoke } from "../../identity/membership.ts";
import { findRelay } from "../../open/open.ts";
import { cleanLine } from "../../text.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";

export const verb = defineVerb({
  name: "invite",
  about: "Let somebody on another machine log in to this relay's server. Prints a word for them, once.",
  flags: {
    "--user <name>": "good for this user name only; without it, for one that nobody has",
    "--uses <count>": "how many machines may use it (default 1)",
    "--expires <duration>": "for how long it is good (default 24h)",
    "--list": "show the invitations that can still be used, and make none",
    "--revoke <invitation>": "end one of them",
  },
  example: "agent-relay invite --user aaron",
  async run(cli, flags) {
    const { user, uses = "1", expires = "24h" } = flags;
    if (flags.list) return listInvites(cli);
    if (flags.revoke !== undefined) return revokeInvite(cli, flags.revoke);
    const { store, identity, project } = await findRelay(cli.openOptions());
    const by = (await store.served?.owner?.()) ?? identity.session;
    const good = parseDuration(expires);
    const made = await invite(store, cli.now(), { user, uses: Number(uses), expires: good, by });
    const often = uses === "1" ? "once" : `${uses} times`;
    const who = user === undefined ? "" : ` --user ${user}`;
    await cli.say({ invite: made.word, ...made.invite }, `${made.word}\n`); // alone, so that a script can take it
    const login = `agent-relay login ${project.server ?? "<url>"} --invite ${made.word}${who}`;
    if (!cli.flags.json) cli.io.err(`Good ${often}, for ${formatDuration(good)}. On the other machine: ${login}\n`);
  },
});

async function listInvites(cli: Cli): Promise<void> {
  const { store } = await findRelay(cli.openOptions());
  const now = cli.now();
  const all = await invites(store, now);
  const line = ({ id, user, uses, added_by, expires_at }: ListedInvite) =>
    `${id.slice(0, 12)}  ${user === undefined ? "for a new name" : `for ${user}`}, by ${cleanLine(added_by)}, ${uses} ${uses === 1 ? "use" : "uses"} left, for ${formatDuration(Date.parse(expires_at) - now)}\n`;
  await cli.say(all, all.map(line).join(""));
  if (all.length === 0) cli.io.err("No invitation can be used: agent-relay invite\n");
}

async function revokeInvite(cli: Cli, word: string): Promise<void> {
  const { store } = await findRelay(cli.openOptions());
  const { id } = await revoke(store, cli.now(), word);
  await cli.say({ revoked: id }, `The invitation ${id.slice(0, 12)} lets in nobody any more\n`);
}
