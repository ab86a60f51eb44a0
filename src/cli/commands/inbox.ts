import { formatDuration, parseDuration } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import type { Inbox, InboxOptions } from "../../messages/inbox.ts";
import type { Relay } from "../../relay.ts";
import { itemLines, sessionsIn } from "../../render/messages.ts";
import { Room } from "../../render/room.ts";
import { cleanLine, countWord, json } from "../../text.ts";
import { iso } from "../../time.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import type { FlagsOf, FlagTable } from "../flag-table.ts";
import { wholeNumber } from "../flags.ts";

const MAX_BLOCK_CHARS = 32 * 1024; // characters shown at once: what does not fit stays unread, and is not cut

const FLAGS = {
  "-l, --limit <n>": "show at most this many; default 10",
  "--all": "also what you have read, and what you sent",
  "--peek": "mark nothing",
  "--since <duration>": "only what was sent in this time: 30m, 2h",
} as const satisfies FlagTable;

type InboxFlags = FlagsOf<typeof FLAGS>;

export const verb = defineVerb({
  name: "inbox",
  about: "Show what waits for you, the oldest first, and mark as read what was shown.",
  flags: FLAGS,
  note: "For who asks often, agent-relay-hook inbox --session <id> is the same, without Node where nothing waits.",
  example: "agent-relay inbox --limit 5",
  forWord: (word) => (/^\d+$/.test(word) ? `--limit ${word}` : "--help"),
  run: inbox,
});

async function inbox(cli: Cli, flags: InboxFlags): Promise<void> {
  const { io } = cli;
  const relay = await cli.open();
  const me = relay.session ?? "";
  const options: InboxOptions = {
    limit: wholeNumber(flags.limit ?? "10", "--limit"),
    all: flags.all,
    peek: flags.peek,
    registers: cli.isOwnSession(relay.agent),
    since: flags.since === undefined ? undefined : iso(cli.now() - parseDuration(flags.since)),
    async show(items, found) {
      if (cli.flags.json) {
        await io.out(json(found, 2));
        return io.isUnheard ? [] : items;
      }
      const names = await relay.agents.names(sessionsIn(items.map(({ message }) => message)));
      const held = items.some(({ message }) => message.claims !== undefined) ? await relay.claims.list() : [];
      const all = items.map((item) => itemLines(item, me, names, cli.now(), held));
      const lines = new Room({ chars: MAX_BLOCK_CHARS }).asManyAsFit(all);
      await cli.print(cli.framed(lines));
      return io.isUnheard ? [] : items.slice(0, lines.length);
    },
  };
  const { items, more, open_more, is_unknown, broken = [] } = await look(relay, options);
  for (const id of broken)
    io.err(
      `A message to you cannot be read, ${cleanLine(id)}; who sent it is told, if that can still be seen: agent-relay quarantine list\n`,
    );
  if (is_unknown) io.err("Nothing is marked as read, since you are not registered here: agent-relay register\n");
  if (io.isUnheard && more > 0 && !flags.peek) return io.err(UNHEARD);
  const later = flags.since === undefined ? "" : ` sent in the last ${formatDuration(parseDuration(flags.since))}`;
  if (items.length === 0 && broken.length === 0) io.err(`No unread messages${later}\n`);
  if (more > 0) io.err(`${countWord(more)} more unread: agent-relay inbox\n`);
  if (open_more > 0)
    io.err(`${open_more} more wait for your answer: agent-relay inbox --limit ${items.length + open_more}\n`);
}

const UNHEARD = "Nothing is marked as read: what was printed went nowhere, since stdout is closed or the null device\n";

async function look(relay: Relay, options: InboxOptions): Promise<Inbox> {
  try {
    return await relay.inbox(options);
  } catch (error) {
    if (!(error instanceof RelayError) || options.peek || !["refused", "limit"].includes(error.code)) throw error;
    const next = "agent-relay inbox --peek shows it without marking it";
    throw new RelayError(error.code, error.message, {
      cause: error,
      next: error.next ? `${error.next}; ${next}` : next,
    });
  }
}
