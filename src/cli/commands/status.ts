import { formatDuration, formatLeft } from "../../duration.ts";
import { briefing, waitingLines } from "../../render/briefing.ts";
import { claimWords } from "../../render/claims.ts";
import { namesOf } from "../../render/messages.ts";
import { taskRows } from "../../render/tasks.ts";
import { isSegment } from "../../store/key.ts";
import { cleanLine, countWord } from "../../text.ts";
import type { Snapshot } from "../../views/snapshot.ts";
import type { Cli } from "../cli.ts";
import { defineVerb } from "../command.ts";
import { bodyOf } from "../sending.ts";
import { tableFor } from "../table.ts";

export const verb = defineVerb({
  name: "status",
  about: "Show who does what, what is claimed, to be done and waited for; or say in one line what you do.",
  words: { "[line...]": 'what you do: the others see it beside your name; "" takes it back' },
  flags: {
    "-c, --compact": "few words, for a model",
    "--line": "one short line, for a status line; the session may come as JSON on stdin",
  },
  example: 'agent-relay status "rewriting the parser"',
  async run(cli, flags, { line: words }) {
    if (flags.line) return cli.say(...(await shortLine(cli)));
    const relay = await cli.open();
    if (words.length > 0) {
      const status = await bodyOf(cli, words);
      await relay.agents.setStatus(status);
      const says =
        status === "" ? "Taken back: nothing stands beside your name\n" : "The others see it beside your name\n";
      return cli.say({ status }, says);
    }
    const found = await relay.activity.snapshot();
    const { finished_at } = found;
    const text = flags.compact ? compact(found, relay.session, cli) : full(found, relay.session, cli);
    await cli.say(found, finished_at === undefined ? text : `Finished ${finished_at}: agent-relay reopen\n${text}`);
    if (text === "" && finished_at === undefined)
      cli.io.err('Nobody is here yet; a first "agent-relay send" registers you\n');
  },
});

/** What a person sees below an agent: its unread mail, who else is here, what it holds. Empty without a relay. */
async function shortLine(cli: Cli): Promise<[unknown, string]> {
  const session = cli.io.isTerminal ? undefined : sessionIn(await cli.io.input(MAX_PAYLOAD_BYTES));
  const relay = await cli.open(session === undefined || cli.flags.session !== undefined ? {} : { session });
  const agents = await relay.agents.list({ unread: true });
  if (agents.length === 0) return [{}, ""];
  const unread = agents.find(({ session_id }) => session_id === relay.session)?.unread ?? 0;
  const here = agents.filter(({ presence, session_id }) => presence !== "gone" && session_id !== relay.session).length;
  const claims = (await relay.claims.list()).filter(({ session_id }) => session_id === relay.session).length;
  const parts = [`${countWord(unread)} unread`, `${here} here`, ...(claims === 0 ? [] : [`${claims} claimed`])];
  return [{ unread, here, claims }, `relay: ${parts.join(", ")}\n`];
}

const MAX_PAYLOAD_BYTES = 1024 * 1024;

/** The session that a host names on stdin, if it does. */
function sessionIn(text: string): string | undefined {
  const named = /"session_id":\s*"([\w.-]+)"/.exec(text)?.[1];
  return named !== undefined && isSegment(named) ? named : undefined;
}

function full(found: Snapshot, me: string | undefined, cli: Cli): string {
  const now = cli.now();
  const names = namesOf(found.agents);
  const call = (session: string) => cleanLine(names.get(session) ?? session);
  const agents = found.agents.map((agent) => [
    call(agent.session_id) + (agent.session_id === me ? " (you)" : ""),
    cleanLine(agent.agent_id),
    agent.presence === "active" ? "active" : `${agent.presence} ${formatDuration(now - Date.parse(agent.last_seen))}`,
    countWord(agent.unread ?? 0),
    cleanLine(agent.status ?? agent.role ?? "-"),
  ]);
  const claims = found.claims.map((claim) => [
    claimWords(claim),
    call(claim.session_id),
    formatLeft(Date.parse(claim.expires_at) - now),
    cleanLine(claim.reason ?? "-"),
  ]);
  const tasks = taskRows(found.tasks, { all: found.task_standings, names, me, now });
  const parts = [
    section("Agents", [["NAME", "AGENT", "PRESENCE", "UNREAD", "DOES"], ...agents], cli),
    section("Claims", [["WHAT", "WHO", "LEFT", "WHY"], ...claims], cli),
    section(`Tasks (${found.task_count} not over)`, tasks, cli),
    lines("Waiting", waitingLines(found, names)),
    found.decision_count === 0 ? "" : `${found.decision_count} decisions: agent-relay decisions\n`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : cli.framed([parts.join("\n")], "what agents say");
}

function section(title: string, rows: readonly (readonly string[])[], cli: Cli): string {
  return rows.length === 1 ? "" : `${title}\n${tableFor(cli, rows)}`;
}

function lines(title: string, of: readonly string[]): string {
  return of.length === 0 ? "" : `${title}\n${of.map((line) => `${line}\n`).join("")}`;
}

const COMPACT_CHARS = 40;

const NOBODY = 'nobody yet (a send, a claim or a status "..." registers you)';

function compact(found: Snapshot, me: string | undefined, cli: Cli): string {
  const mine = found.agents.find((agent) => agent.session_id === me);
  const you = mine ? cleanLine(namesOf(found.agents).get(mine.session_id) ?? mine.session_id) : NOBODY;
  const lines = briefing(found, me, cli.now(), COMPACT_CHARS);
  return cli.framed([`you: ${you}, ${countWord(mine?.unread ?? 0)} unread\n`, ...lines], "what agents say");
}
