import { parseDuration } from "../../duration.ts";
import { RelayError } from "../../errors.ts";
import { shortId } from "../../id.ts";
import { entryLine, sessionsIn } from "../../render/activity.ts";
import { callsIn } from "../../render/messages.ts";
import { cleanLine, json } from "../../text.ts";
import { iso } from "../../time.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import type { FlagsOf, FlagTable } from "../flag-table.ts";
import { wholeNumber } from "../flags.ts";
import { INTERRUPTED } from "../io.ts";

const FLAGS = {
  "-l, --limit <n>": "the newest so many (default 50)",
  "--since <duration>": "in this time: 30m, 2h (default 1d)",
  "-f, --follow": "go on, with what happens from now on",
  "--at <time>": "the state as of then: 2026-03-01T12:00Z, or 2h for two hours ago",
} as const satisfies FlagTable;

type Flags = FlagsOf<typeof FLAGS>;

const MINUTE_MS = 60_000;
const MAX_KNOWN_ENTRIES = 100_000; // entries that --follow knows at its start: none comes as news, shown or not

export const verb = defineVerb({
  name: "activity",
  about: "Show what happened, the oldest first, with the messages you may read.",
  flags: FLAGS,
  example: "agent-relay activity --since 2h",
  run: activity,
});

async function activity(cli: Cli, flags: Flags): Promise<number | undefined> {
  const relay = await cli.open();
  if (flags.at !== undefined) {
    const time = timeOf(flags.at, cli.now());
    const state = await relay.activity.at(iso(time));
    const sessions = [...state.agents.map(({ session_id }) => session_id), ...state.claims.map(({ holder }) => holder)];
    const call = callsIn(await relay.agents.names(sessions));
    const lines = [
      ...state.agents.map(
        ({ session_id, agent_id, status }) =>
          `here: ${call(session_id)} (${agent_id})${status === undefined ? "" : ` ${status}`}`,
      ),
      ...state.claims.map(({ targets, holder }) => `claimed: ${targets} by ${call(holder)}`),
      ...state.tasks.map(({ id, state: standing, title = "" }) => `task: ${shortId(id)} ${standing} ${title}`),
    ].map((line) => `${cleanLine(line)}\n`);
    await cli.say({ at: iso(time), ...state }, cli.framed(lines, "what agents say"));
    if (lines.length === 0) cli.io.err("Nothing is known of then\n");
    return undefined;
  }
  const time = flags.since ?? "1d";
  const since = cli.now() - parseDuration(time);
  const limit = wholeNumber(flags.limit ?? "50", "--limit");
  const all = flags.follow
    ? { since: iso(Math.min(since, cli.now() - MINUTE_MS)), limit: MAX_KNOWN_ENTRIES }
    : { since: iso(since), limit };
  const known = await relay.activity.list(all);
  const inTime = known.entries.filter((entry) => Date.parse(entry.at) >= since);
  const shown = inTime.slice(-limit);
  const found = { entries: shown, torn: known.torn, has_more: known.has_more || shown.length < inTime.length };
  const names = await relay.agents.names(sessionsIn(known.entries));
  const isJson = cli.flags.json ?? false;
  const text = cli.framed(
    found.entries.map((entry) => entryLine(entry, names)),
    "what agents say",
  );
  if (flags.follow) await cli.io.out(isJson ? found.entries.map((entry) => json(entry)).join("") : text);
  else await cli.say(found, text);
  if (found.entries.length === 0) cli.io.err(`Nothing happened in the last ${time}\n`);
  if (found.has_more && !isJson && !flags.follow)
    cli.io.err(`There are older ones\nTry: agent-relay activity --since ${time} --limit ${2 * limit}\n`);
  if (found.torn > 0) cli.io.err(`${found.torn} lines of the log cannot be read\n`);
  if (!flags.follow) return undefined;
  const end = new AbortController();
  cli.io.onInterrupt(() => end.abort());
  for await (const entry of relay.events({ signal: end.signal, known: known.entries }))
    await cli.io.out(
      isJson
        ? json(entry)
        : cli.framed([entryLine(entry, await relay.agents.names(sessionsIn([entry])))], "what agents say"),
    );
  return INTERRUPTED;
}

function timeOf(word: string, now: number): number {
  const date = Date.parse(word);
  if (!Number.isNaN(date) && /[-:T]/.test(word)) {
    if (date <= now) return date;
    throw new RelayError("usage", `Cannot tell how it was at "${word}": that is still to come`, {
      next: "agent-relay activity --at 1h, for how it was an hour ago",
    });
  }
  if (/^[\d.]+[a-z]*$/.test(word)) return now - parseDuration(word);
  throw new RelayError("usage", `Cannot read "${word}" as a time: write 2026-03-01T12:00Z, or 2h for two hours ago`);
}
