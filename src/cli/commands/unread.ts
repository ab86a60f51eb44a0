import { Cli, type GlobalFlags } from "../cli.ts";
import { fail } from "../exit.ts";
import { countWord } from "../output.ts";
import { json } from "../text.ts";
import type { Verb } from "../verb.ts";

const NONE = 3; // --quiet answers by exit code: 0 there is mail, 3 there is none

interface UnreadFlags extends GlobalFlags {
  readonly quiet?: boolean;
}

// The verb that is run most, by scripts and prompts: with plain flags it does without the command parser, which takes a
// quarter of the time of bare node to load.
export const run: Verb = async (args, io) => {
  const flags = plainFlags(args);
  if (!flags) return (await import("./unread-flags.ts")).run(args, io);
  try {
    return await count(new Cli(io, flags), flags);
  } catch (error) {
    return fail(error, io, flags.json ?? false);
  }
};

export async function count(cli: Cli, flags: UnreadFlags): Promise<number> {
  const relay = await cli.open();
  const count = await relay.unreadCount();
  if (!flags.quiet)
    await cli.io.out(
      cli.flags.json ? json({ count: Math.min(count, 1000), more: count > 1000 }) : `${countWord(count)}\n`,
    );
  return flags.quiet && count === 0 ? NONE : 0;
}

/** The flags, or undefined if there is anything that wants a real parser. */
function plainFlags(args: readonly string[]): UnreadFlags | undefined {
  const flags: { session?: string; dir?: string; agent?: string; json?: boolean; quiet?: boolean } = {};
  for (let index = 0; index < args.length; index++) {
    const word = args[index];
    const value = args[index + 1];
    if (word === "--json") flags.json = true;
    else if (word === "--quiet" || word === "-q") flags.quiet = true;
    else if (value === undefined || value.startsWith("-")) return undefined;
    else if (word === "--session" || word === "-s") flags.session = value;
    else if (word === "--agent" || word === "-a") flags.agent = value;
    else if (word === "--dir") flags.dir = value;
    else return undefined;
    if (args[index] !== "--json" && args[index] !== "--quiet" && args[index] !== "-q") index++;
  }
  return flags;
}
