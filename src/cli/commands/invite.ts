import { formatDuration, parseDuration } from "../../duration.ts";
import { invite } from "../../identity/membership.ts";
import { findRelay } from "../../open/open.ts";
import { type Describe, verb } from "../command.ts";

interface Flags {
  readonly user?: string;
  readonly uses: string;
  readonly expires: string;
}

export const describe: Describe = ({ Command }, act) =>
  new Command("invite")
    .description("Let somebody on another machine log in to this relay's server. Prints a word for them, once.")
    .option("--user <name>", "good for this user name only; without it, for one that nobody has")
    .option("--uses <count>", "how many machines may use it", "1")
    .option("--expires <duration>", "for how long it is good", "24h")
    .addHelpText("after", "\nExample: agent-relay invite --user aaron")
    .action((flags: Flags) =>
      act(async (cli) => {
        const { store, identity, project } = await findRelay(cli.openOptions());
        const made = await invite(store, cli.io.now(), {
          ...{ user: flags.user, uses: Number(flags.uses), expires: parseDuration(flags.expires) },
          by: (await store.owner?.()) ?? identity.session,
        });
        const good = `${flags.uses === "1" ? "once" : `${flags.uses} times`}, for ${formatDuration(parseDuration(flags.expires))}`;
        const who = flags.user === undefined ? "" : ` --user ${flags.user}`;
        await cli.say(
          { invite: made.word, ...made.invite },
          `${made.word}\nGood ${good}. On the other machine: agent-relay login ${project.server ?? "<url>"} --invite ${made.word}${who}\n`,
        );
      }),
    );

export const run = verb(describe);
